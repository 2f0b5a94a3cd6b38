"""Where paths lead among the nodes."""

from __future__ import annotations

import pytest
import yaml

from brain_gateway.infrastructure.configuration.nodes import PLAIN, QUOTED, NodeIndex, compose, line_of

TEXT = "a: 1\nb:\n  - x\n  - {c: '2'}\nd: &d\n  e: 3\nf:\n  <<: *d\n  g: 4\n"


def test_scalars_keep_how_they_were_written():
    root = compose("[1, '1', \"1\", !x 1]")
    assert root is not None
    assert [item.tag for item in root.value] == [PLAIN, QUOTED, QUOTED, "!x"]


def test_nothing():
    assert compose("") is None
    assert NodeIndex(None).line(("a",)) == 1
    assert NodeIndex(None).scalar(("a",)) is None


@pytest.mark.parametrize(
    ("path", "line", "scalar"),
    [
        (("a",), 1, "1"),
        (("b",), 2, None),
        (("b", 0), 3, "x"),
        (("b", 1, "c"), 4, "2"),
        (("f", "e"), 6, "3"),
        (("f", "g"), 9, "4"),
        (("b", 0, "url"), 3, "x"),
        (("b", "c"), 2, None),
        (("a", 0), 1, "1"),
    ],
)
def test_places(path, line, scalar):
    index = NodeIndex(compose(TEXT))
    assert index.line(path) == line
    assert index.scalar(path) == scalar


def test_of_duplicates_the_first():
    assert NodeIndex(compose("a: 1\na: 2")).line(("a",)) == 1


def test_lines_count_from_one():
    root = compose("# c\na: 1")
    assert root is not None
    assert line_of(root) == 2


def test_what_ends_too_early():
    with pytest.raises(yaml.YAMLError):
        compose("a: {b")
