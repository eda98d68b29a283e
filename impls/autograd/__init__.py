"""Derivatives of programs: a tape of our own, and torch's."""
