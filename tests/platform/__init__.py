"""What this machine's libraries are measured to do, and what is run to be on another machine."""
