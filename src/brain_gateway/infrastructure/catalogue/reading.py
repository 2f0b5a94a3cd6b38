"""A YAML file of the catalogue as plain values; duplicates are faults, and every key knows its line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from brain_gateway.schemas.faults import Fault, Path

if TYPE_CHECKING:
    from yaml import SafeLoader as _Loader
else:
    # Both carry the same interface; the one on libyaml is about ten times as fast.
    _Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Entry:
    """The `values` of a text, and the `faults` of its writing: no YAML, keys written twice."""

    def __init__(self, text: str) -> None:
        self.faults: list[Fault] = []
        self.values: object = None
        self._root: Node | None = None
        loader = _Loader(text)
        try:
            self._root = loader.get_single_node()
            if self._root is not None:
                self.faults += _twice(self._root, ())
                self.values = loader.construct_document(self._root)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.faults.append(Fault(mark.line + 1 if mark else 1, (), f"is not YAML: {error.problem}"))
        finally:
            loader.dispose()

    def line(self, path: Path) -> int:
        """The line (from 1) of the key at `path`, or of the deepest of its parents that the text contains."""
        node, line = self._root, 1
        for step in path:
            key, node = _child(node, step)
            if key is None:
                break
            line = _line(key)
        return line


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _twice(node: Node, path: Path) -> Iterator[Fault]:
    if isinstance(node, MappingNode):
        first: dict[str, int] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in first:
                message = f"is written twice (first in line {first[name]}): keep one"
                yield Fault(_line(key), (*path, name), message)
            first.setdefault(name, _line(key))
            yield from _twice(value, (*path, name))
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            yield from _twice(item, (*path, index))


def _child(node: Node | None, step: str | int) -> tuple[Node | None, Node | None]:
    """What marks the place of a step, and what is there."""
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if isinstance(key, ScalarNode) and key.value == str(step):
                return key, value
    return None, None
