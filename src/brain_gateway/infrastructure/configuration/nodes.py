"""YAML text as nodes, which know their lines; and where a path leads among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from brain_gateway.schemas.faults import Path

if TYPE_CHECKING:
    from yaml import SafeLoader as _Loader
else:
    # Both carry the same interface; the one on libyaml is about ten times as fast.
    _Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

PLAIN, QUOTED = "plain", "quoted"
"""The tags of scalars that carry none of their own."""

MERGE = "<<"

Entry = tuple[Node | None, Node | None]
"""What marks the place of a step (a key, or the item of a list) and the value that is there."""

_NOWHERE: Entry = (None, None)


class _Composer(_Loader):
    """Composes nodes and leaves the meaning of scalars to `plain_scalar`."""

    def resolve(self, kind: type[Node], value: str | None, implicit: object) -> str:
        """Whether a scalar without a tag was written plain or quoted."""
        return PLAIN if isinstance(implicit, tuple) and implicit[0] else QUOTED

    def descend_resolver(self, current_node: Node | None, current_index: object) -> None:
        """Tags by position are not used."""

    def ascend_resolver(self) -> None:
        """Tags by position are not used."""


def compose(text: str) -> Node | None:
    """The root node; None for an empty text. Raises yaml.YAMLError for what is no YAML."""
    loader = _Composer(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def line_of(node: Node) -> int:
    """The line, from 1, on which `node` begins."""
    return int(node.start_mark.line) + 1


def merge_sources(node: Node) -> list[Node]:
    """The nodes that the value of a merge key names: one mapping, or a list of them."""
    return list(node.value) if isinstance(node, SequenceNode) else [node]


class NodeIndex:
    """Finds the nodes of paths; a mapping is indexed once, so that many faults cost little more than one."""

    def __init__(self, root: Node | None) -> None:
        self._root = root
        self._entries: dict[int, dict[str, Entry]] = {}

    def line(self, path: Path) -> int:
        """The line (from 1) of the key at `path`, or of the deepest of its parents that the text contains."""
        node, line = self._root, 1
        for step in path:
            key, node = self._child(node, step)
            if key is None:
                break
            line = line_of(key)
        return line

    def scalar(self, path: Path) -> str | None:
        """The scalar at `path` as written, or the one that stands where a mapping with such a key might."""
        node = self._root
        for step in path:
            if isinstance(node, ScalarNode):
                break
            _, node = self._child(node, step)
        return str(node.value) if isinstance(node, ScalarNode) else None

    def _child(self, node: Node | None, step: str | int) -> Entry:
        if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            return node.value[step], node.value[step]
        if isinstance(node, MappingNode) and isinstance(step, str):
            if id(node) not in self._entries:
                self._entries[id(node)] = _with_merged(node)
            return self._entries[id(node)].get(step, _NOWHERE)
        return _NOWHERE


def _with_merged(node: MappingNode) -> dict[str, Entry]:
    """The entries of a mapping, below them those that its merge keys bring (one level of them)."""
    entries: dict[str, Entry] = {}
    for source in reversed(merge_sources(_value_of(node, MERGE))):
        if isinstance(source, MappingNode):
            entries.update(_own(source))
    return entries | _own(node)


def _own(node: MappingNode) -> dict[str, Entry]:
    """By name; of duplicates the first."""
    return {key.value: (key, value) for key, value in reversed(node.value) if isinstance(key, ScalarNode)}


def _value_of(node: MappingNode, name: str) -> Node:
    return next((value for key, value in node.value if key.value == name), node)
