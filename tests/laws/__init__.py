"""What several chapters hold their concepts to, each in a law of its own: the chapter says of whom, and draws."""
