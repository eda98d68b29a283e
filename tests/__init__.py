"""The specification, as laws: one chapter per family."""
