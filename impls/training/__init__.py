"""What puts the pieces together: step, loop, evaluation, clipping."""
