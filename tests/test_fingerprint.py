"""The platform: before anything is judged, the libraries are found to do what the proofs take for granted."""

import pytest

from tests.exactness.fingerprint import departures


def test_fingerprint_of_this_platform():
    """What is measured of the machine's libraries is what proofs and claims to the bit rest on."""
    found = departures()
    if found:
        pytest.fail("another platform: " + "; ".join(found), pytrace=False)
