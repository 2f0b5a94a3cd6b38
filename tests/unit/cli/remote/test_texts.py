"""What the operator writes, as documents; documents as text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.cli.remote.exits import Stopped
from brain_gateway.cli.remote.texts import file_values, json_text, limit_of, with_settings, yaml_text

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(codec="utf-8", exclude_categories=["C"]))
)
documents = st.recursive(scalars, lambda below: st.lists(below) | st.dictionaries(st.text("abc"), below))


@given(documents)
def test_documents_are_read_back(document):
    assert yaml.safe_load(yaml_text(document)) == document
    assert json.loads(json_text(document)) == document


@pytest.mark.parametrize(
    ("settings", "document"),
    [
        (["prefix=/api"], {"prefix": "/api"}),
        (["strict=true", "max_body=5"], {"strict": True, "max_body": 5}),
        (["breaker.failures=3", "breaker.count_500=yes"], {"breaker": {"failures": 3, "count_500": "yes"}}),
        (["roles=[manager, client]"], {"roles": ["manager", "client"]}),
        (["limit=null"], {"limit": None}),
        (["limit="], {"limit": None}),
        (["probe={type: tcp}", "probe.timeout=1s"], {"probe": {"type": "tcp", "timeout": "1s"}}),
        (["host_header=a=b"], {"host_header": "a=b"}),
        (["name=007"], {"name": 7}),
    ],
)
def test_settings(settings, document):
    assert with_settings({}, settings) == document


def test_settings_change_no_mapping_of_others():
    known = {"breaker": {"failures": 1}}
    assert with_settings(dict(known), ["breaker.failures=2"])["breaker"] == {"failures": 2}
    assert known == {"breaker": {"failures": 1}}


@pytest.mark.parametrize("setting", ["prefix", "=x", "a..b=1", ".a=1", "a=[", "a=!!python/name:os.system x"])
def test_settings_that_are_none(setting):
    with pytest.raises(Stopped):
        with_settings({}, [setting])


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("100/60s", {"requests": 100, "window": "60s"}),
        ("5/1m:2", {"requests": 5, "window": "1m", "burst": 2}),
        ("7", {"requests": 7}),
    ],
)
def test_limits(text, limit):
    assert limit_of(text) == limit


@pytest.mark.parametrize("text", ["", "many/60", "5/1m:x", "-1/60"])
def test_limits_that_are_none(text):
    with pytest.raises(Stopped):
        limit_of(text)


def test_a_file(tmp_path):
    (tmp_path / "x.yaml").write_text("prefix: /a\n")
    assert file_values(tmp_path / "x.yaml") == {"prefix": "/a"}


def test_stdin(monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO('{"prefix": "/a"}'))
    assert file_values(Path("-")) == {"prefix": "/a"}


@pytest.mark.parametrize("content", [b"[1]", b"\xff", b"a: [", b"", None])
def test_files_that_are_no_mapping(tmp_path, content):
    if content is not None:
        (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(Stopped):
        file_values(tmp_path / "x.yaml")
