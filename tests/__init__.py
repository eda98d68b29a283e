"""The specification, as laws: one chapter per family."""

from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS

# Of six examples hypothesis makes five by copying parts of the first, so that few kinds of problem are seen in 25.  Its
# provider under another name is taken for somebody else's, and each example is drawn anew.
AVAILABLE_PROVIDERS["independent"] = AVAILABLE_PROVIDERS["hypothesis"]
