"""How faults are written and ordered."""

from __future__ import annotations

import pytest

from brain_gateway.schemas.faults import Fault, dotted, refuse


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("services",), "services"),
        (("services", "a-b", "routes", 2, "path"), "services.a-b.routes[2].path"),
        (("a", 0, 1), "a[0][1]"),
        ((0, "a"), "[0].a"),
    ],
)
def test_dotted(path, text):
    assert dotted(path) == text


def test_text():
    assert Fault(12, ("a", 1), "must be b").text("f.yaml") == "f.yaml:12: a[1]: must be b"
    assert Fault(1, (), "is not YAML").text("f.yaml") == "f.yaml:1: is not YAML"


def test_sorted_by_line_and_each_once():
    found = [Fault(10, ("b",), "x"), Fault(2, ("z",), "x"), Fault(10, ("a", 0), "x"), Fault(2, ("z",), "x")]
    assert refuse("f", found).faults == ("f:2: z: x", "f:10: a[0]: x", "f:10: b: x")
