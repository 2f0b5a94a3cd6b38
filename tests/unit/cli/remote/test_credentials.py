"""Where the values of fields come from."""

from __future__ import annotations

import io

import pytest

from brain_gateway.cli.remote.credentials import handed_credentials
from brain_gateway.cli.remote.exits import Stopped


def test_from_stdin_and_from_variables(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("one\ntwo \nrest\n\n"))
    monkeypatch.setenv("A_VALUE", "three")
    assert handed_credentials(["a", "b", "c=@A_VALUE", "d=-"]) == {
        "a": "one",
        "b": "two ",
        "c": "three",
        "d": "rest\n",
    }
    assert handed_credentials([]) == {}


@pytest.mark.parametrize("field", ["a=the-value", "The-Value", "a=@The_Value", "", "=-"])
def test_what_is_refused_is_not_repeated(field):
    with pytest.raises(Stopped) as stopped:
        handed_credentials([field])
    assert "value" not in stopped.value.line.replace("others see a value", "").lower()
