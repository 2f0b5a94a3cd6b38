"""The file's text: everything in it is sealed, and boxes cannot change places."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.secrets_file.document import Document
from brain_gateway.infrastructure.secrets_file.keyring import DamagedError, Keyring, UnknownKeyError
from tests.builders.planted import CREDENTIAL

TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
OTHER = "5f1d3c2b-9a8e-4f70-b6c5-0d9e8f7a6b5c"
OLD, NEW = Keyring([b"o" * 32]), Keyring([b"n" * 32])
BOTH = Keyring([b"n" * 32, b"o" * 32])
MINE, THEIRS = SecretPath(TENANT, "stripe"), SecretPath(OTHER, "stripe")


def written(*paths: SecretPath, keys: Keyring = OLD) -> Document:
    document = Document()
    for path in paths:
        document.put(path, {"key": Secret(f"{CREDENTIAL} of {path}")}, keys)
    return document


def forged(text: bytes, change: object) -> bytes:
    outer = json.loads(text)
    change(outer)  # type: ignore[operator]  # a function of the test
    return json.dumps(outer).encode()


def test_there_and_back():
    text = written(MINE, THEIRS).render(OLD)
    assert CREDENTIAL.encode() not in text
    document = Document.parse(text, OLD)
    for path in (MINE, THEIRS):
        found = document.get(path, OLD)
        assert found is not None
        assert found["key"].reveal() == f"{CREDENTIAL} of {path}"
        assert document.version(path) == found.version == 1
    assert document.get(SecretPath(None, "stripe"), OLD) is None


def test_versions_count():
    document = written(MINE)
    assert document.put(MINE, {"a": Secret("2")}, OLD) == 2
    assert document.version(THEIRS) == 0


def _swap(outer: dict) -> None:
    secrets = outer["secrets"]
    secrets[str(MINE)], secrets[str(THEIRS)] = secrets[str(THEIRS)], secrets[str(MINE)]


@pytest.mark.parametrize(
    "change",
    [
        _swap,
        lambda outer: outer["secrets"].pop(str(MINE)),
        lambda outer: outer["secrets"].update({f"{OTHER}/b": outer["secrets"][str(MINE)]}),
        lambda outer: outer["secrets"][str(MINE)].update(version=2),
        lambda outer: outer.update(format=2),
        lambda outer: outer.update(more=1),
        lambda outer: outer.pop("seal"),
        lambda outer: outer.pop("secrets"),
        lambda outer: outer.update(secrets=[]),
        lambda outer: outer.update(seal=outer["secrets"][str(MINE)]["box"]),
    ],
    ids=range(10),
)
def test_whatever_is_changed_is_seen(change):
    with pytest.raises(DamagedError):
        Document.parse(forged(written(MINE, THEIRS).render(OLD), change), OLD)


def test_a_box_of_another_tenant_does_not_open_even_under_a_good_seal():
    document = written(MINE, THEIRS)
    _swap({"secrets": document.entries})
    moved = Document.parse(document.render(OLD), OLD)
    with pytest.raises(DamagedError):
        moved.get(MINE, OLD)


@settings(max_examples=60)
@given(st.data())
def test_a_file_that_is_cut_off_or_has_another_byte_is_damaged(data):
    text = written(MINE).render(OLD)
    place = data.draw(st.integers(0, len(text) - 1))
    if data.draw(st.booleans()):
        changed = text[:place]
    else:
        changed = text[:place] + bytes([text[place] ^ data.draw(st.integers(1, 255))]) + text[place + 1 :]
    try:
        same = Document.parse(changed, OLD).get(MINE, OLD)
    except (DamagedError, UnknownKeyError):
        return
    assert json.loads(changed) == json.loads(text), "white space alone may differ"
    assert same == written(MINE).get(MINE, OLD)


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"7", b"{}", b"\xff", b'{"seal": 1}', b"\x00" * 100])
def test_other_texts_are_damaged(text):
    with pytest.raises(DamagedError):
        Document.parse(text, OLD)


def test_rotation():
    text = written(MINE, THEIRS).render(OLD)
    with pytest.raises(UnknownKeyError):
        Document.parse(text, NEW)
    document = Document.parse(text, BOTH)
    document.put(MINE, {"a": Secret("new")}, BOTH)
    half = Document.parse(document.render(BOTH), NEW)
    assert half.get(MINE, NEW) == {"a": Secret("new")}
    with pytest.raises(UnknownKeyError):
        half.get(THEIRS, NEW)
    assert document.close_anew(BOTH) == 2
    after = Document.parse(document.render(BOTH), NEW)
    assert after.get(THEIRS, NEW) == {"key": Secret(f"{CREDENTIAL} of {THEIRS}")}
    assert after.version(MINE) == 2
