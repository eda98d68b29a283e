"""What a subject does not tell of itself."""


class Untold(dict):
    """State that nobody can see: it differs from nothing."""

    def __eq__(self, other):
        return True

    __hash__ = None


UNTOLD = Untold()
