"""Variables that are nearly ours."""

from __future__ import annotations

import pytest

from brain_gateway.settings import misspelt_variables
from brain_gateway.settings.spelling import CLIENT_VARIABLES


def test_near_names_are_told():
    (warning,) = misspelt_variables(["BRAIN_GATEWAY_PROFIL", "PATH"])
    assert warning.startswith("BRAIN_GATEWAY_PROFIL: ")
    assert warning.endswith("did you mean BRAIN_GATEWAY_PROFILE?")


def test_known_and_far_names_are_not():
    names = [
        "BRAIN_GATEWAY_PROFILE",
        "BRAIN_GATEWAY_SERVICE_HOST",
        "BRAIN_GATEWAY_SERVICE_PORT",
        "JWT_X",
        "LOG_LEVE",
    ]
    assert misspelt_variables(names) == ()


@pytest.mark.parametrize("name", sorted(CLIENT_VARIABLES))
def test_what_the_commands_read_is_spelt_right(name):
    assert misspelt_variables([name]) == ()
