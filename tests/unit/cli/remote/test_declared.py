"""A file as the gateway is told of it."""

from __future__ import annotations

import pytest

from brain_gateway.cli.remote.declared import declared_by
from brain_gateway.cli.remote.exits import Stopped
from brain_gateway.domain.errors import ConfigurationError

BARE = "packaged_services: false\nservices: {x: {port: 9}}\n"


def write(tmp_path, text, name="gateway.yaml"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text", "asked", "label"),
    [
        ("gateway.yaml", BARE, None, "gateway"),
        ("my platform (2).yaml", BARE, None, "my-platform-2"),
        (".yaml", BARE, None, "yaml"),
        ("gateway.yaml", f"label: eu\n{BARE}", None, "eu"),
        ("gateway.yaml", f"label: eu\n{BARE}", "us", "us"),
    ],
)
def test_labels(tmp_path, name, text, asked, label):
    assert declared_by(write(tmp_path, text, name), asked, "development", False).label == label


@pytest.mark.parametrize(("name", "asked"), [("api.yaml", None), ("x.yaml", "registry"), ("x.yaml", "a b")])
def test_labels_that_are_none(tmp_path, name, asked):
    with pytest.raises(Stopped, match=r"^--owner: "):
        declared_by(write(tmp_path, BARE, name), asked, "development", False)


def test_the_document_needs_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("UP", "http://10.0.0.1:80")
    services = 'services: {x: {targets: ["${UP}"], probe: {interval: 30}}, y: {port: 2}}'
    text = f"label: eu\npackaged_services: false\n{services}"
    assert declared_by(write(tmp_path, text), None, "production", False).document == {
        "packaged_services": False,
        "services": {
            "x": {"targets": [{"url": "http://10.0.0.1:80"}], "probe": {"interval": 30}},
            "y": {"targets": [{"url": "http://bizosaas-y-staging:2"}]},
        },
    }


def test_names_are_looked_up_where_the_gateway_would(tmp_path):
    document = declared_by(write(tmp_path, BARE), None, "production", True).document
    assert document["services"]["x"] == {"discovery": {"name": "bizosaas-x-staging", "port": 9}}


def test_the_packaged_services_are_in_it(tmp_path):
    assert len(declared_by(write(tmp_path, ""), None, "development", True).document["services"]) == 13


def test_faults(tmp_path):
    with pytest.raises(ConfigurationError):
        declared_by(write(tmp_path, "services: {x: {prot: 1}}"), None, "development", True)
