"""What turns a gradient into a step."""
