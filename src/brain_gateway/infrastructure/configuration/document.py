"""A YAML file as plain values, with the line of every key and every fault of its writing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from yaml import MappingNode, Node, ScalarNode, SequenceNode, YAMLError

from brain_gateway.infrastructure.configuration.expansion import expand, has_reference
from brain_gateway.infrastructure.configuration.json_values import plain_json
from brain_gateway.infrastructure.configuration.nodes import (
    MERGE,
    PLAIN,
    QUOTED,
    NodeIndex,
    compose,
    line_of,
    merge_sources,
)
from brain_gateway.infrastructure.configuration.scalars import plain_scalar
from brain_gateway.schemas.faults import Fault, Path

MAX_DEPTH = 32
MAX_NODES = 5_000_000
"""A hundred thousand services have about as many; aliases of aliases could make billions out of ten lines."""


class Document:
    """The values of a YAML text; `faults` are those of its writing (duplicates, tags, unset variables).

    Where a value is at fault the document holds None and `unread` its path. Raises yaml.YAMLError for what
    is no YAML.
    """

    def __init__(self, text: str, environ: Mapping[str, str]) -> None:
        self._text = text
        self._environ = environ
        self._path: list[str | int] = []
        self._left = MAX_NODES
        self.faults: list[Fault] = []
        self.unread: list[Path] = []
        self.values: object = plain_json(text)
        if self.values is None and (root := compose(text)) is not None:
            self.values = self._value(root)

    @cached_property
    def _nodes(self) -> NodeIndex:
        """Composed again for the first fault: nodes are far larger than values, and few files are wrong."""
        try:
            return NodeIndex(compose(self._text))
        except YAMLError:
            return NodeIndex(
                None
            )  # JSON that is no YAML, such as one with surrogate pairs: all of it is line 1

    def line(self, path: Path) -> int:
        """The line (from 1) of the key at `path`, or of the deepest of its parents that the text contains."""
        return self._nodes.line(path)

    def reference(self, path: Path) -> str | None:
        """The text at `path` as written, when it takes something from the environment: safe to show."""
        text = self._nodes.scalar(path)
        return text if text is not None and has_reference(text) else None

    def _value(self, node: Node) -> object:
        self._left -= 1
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if len(self._path) > MAX_DEPTH or self._left < 0:
            return self._unreadable(node, "is nested too deeply or repeats itself")
        if isinstance(node, MappingNode):
            return self._mapping(node)
        assert isinstance(node, SequenceNode)  # the third and last kind of node
        return self._sequence(node)

    def _scalar(self, node: ScalarNode) -> object:
        text: str = node.value
        if node.tag != PLAIN and node.tag != QUOTED:
            return self._unreadable(node, f"carries the tag {node.tag}: tags are not taken, remove it")
        if "${" in text:
            try:
                return expand(text, self._environ)
            except ValueError as error:
                return self._unreadable(node, str(error))
        return plain_scalar(text) if node.tag == PLAIN else text

    def _sequence(self, node: SequenceNode) -> list[object]:
        values = []
        for index, item in enumerate(node.value):
            self._path.append(index)
            values.append(self._value(item))
            self._path.pop()
        return values

    def _mapping(self, node: MappingNode) -> dict[str, object]:
        values: dict[str, object] = {}
        merged: dict[str, object] = {}
        for key, item in node.value:
            name = key.value
            if not isinstance(name, str):
                self._fault(key, "has a key that is no text")
                continue
            self._path.append(name)
            if name == MERGE and key.tag == PLAIN:
                merged = self._merged(item)
            elif name in values:
                first = line_of(next(other for other, _ in node.value if other.value == name))
                self._fault(key, f"is written twice (first in line {first}): keep one")
            else:
                values[name] = self._value(item)
            self._path.pop()
        return {**merged, **values} if merged else values

    def _merged(self, node: Node) -> dict[str, object]:
        """The mappings behind a merge key, the first named winning."""
        merged: dict[str, object] = {}
        for source in reversed(merge_sources(node)):
            value = self._value(source)
            if isinstance(value, dict):
                merged.update(value)
            else:
                self._fault(source, "must name mappings to merge")
        return merged

    def _unreadable(self, node: Node, message: str) -> object:
        self._fault(node, message)
        self.unread.append(tuple(self._path))
        return None

    def _fault(self, node: Node, message: str) -> None:
        self.faults.append(Fault(line_of(node), tuple(self._path), message))
