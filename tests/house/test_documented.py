"""What others call says what it takes, what it gives and what it is for."""

from __future__ import annotations

import ast

from tests.house.sources import Function, Place, length, python_files, tree

SOURCES = python_files("src")


def _public(path):
    """(place, node) of every public class, function and method; what is inside a function is its own affair."""

    def walk(body, inside):
        for node in body:
            if isinstance(node, ast.If | ast.Try):
                yield from walk(ast.iter_child_nodes(node), inside)
            elif isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
                yield Place(path, node.lineno, ".".join((*inside, node.name))), node
                if isinstance(node, ast.ClassDef):
                    yield from walk(node.body, (*inside, node.name))

    return walk(tree(path).body, ())


PUBLIC = [found for path in SOURCES for found in _public(path)]


def test_every_module_says_what_it_is():
    assert [path for path in SOURCES if length(path) and ast.get_docstring(tree(path)) is None] == []


def test_everything_public_has_a_docstring():
    assert [place for place, node in PUBLIC if ast.get_docstring(node) is None] == []


def test_every_public_function_is_annotated():
    bare = []
    for place, node in PUBLIC:
        if isinstance(node, Function):
            arguments = node.args
            named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            if named and named[0].arg in ("self", "cls"):
                del named[0]
            named += [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
            if node.returns is None or any(argument.annotation is None for argument in named):
                bare.append(place)
    assert bare == []
