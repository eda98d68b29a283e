"""The platform: before anything is judged, the libraries are found to do what the proofs take for granted."""

import pytest

from tests.verdict import another_platform


def test_fingerprint_of_this_platform():
    """What is measured of the machine's libraries is what proofs and claims to the bit rest on."""
    found = another_platform()
    if found:
        pytest.fail(found, pytrace=False)
