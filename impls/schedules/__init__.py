"""What sets the learning rate of each step."""
