"""Whole training runs, each written on four rungs from the same seed."""
