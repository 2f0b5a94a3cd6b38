"""Small files, short functions, few exceptions from the rules, and as much test as source."""

from __future__ import annotations

import ast
import re
from statistics import median, quantiles

from tests.house.sources import Place, functions, length, python_files, text, tree

SOURCES = python_files("src")
EVERYTHING = python_files("src", "tests", "bench", "examples", "scripts")

_IGNORE = re.compile(r"#\s*type:\s*ignore(?P<codes>\[[\w,\s-]+\])?(?P<reason>.*)")
_NOQA = re.compile(r"#\s*noqa\b(?P<codes>:\s*[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*)?(?P<reason>.*)")
_UNFINISHED = re.compile(r"#.*\b(?:TO[D]O|FIX[M]E|XX[X])\b")  # in brackets, so as not to find itself


def test_files_are_small():
    assert median(length(path) for path in SOURCES) <= 90


def test_no_file_is_long():
    tests = set(python_files("tests"))
    long = [
        Place(path, length(path)) for path in EVERYTHING if length(path) > (800 if path in tests else 400)
    ]
    assert long == [], "such a file wants to be several"


def test_functions_are_short():
    lengths = [(node.end_lineno or 0) - node.lineno + 1 for path in SOURCES for node in functions(path)]
    assert median(lengths) <= 10
    assert quantiles(lengths, n=10)[-1] <= 35


def _broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(one, ast.Name) and one.id in ("Exception", "BaseException") for one in caught)


def _suppresses(call: ast.Call) -> bool:
    named = {ast.unparse(argument) for argument in call.args}
    return ast.unparse(call.func).endswith("suppress") and not named.isdisjoint(
        {"Exception", "BaseException"}
    )


def _broad_excepts() -> list[Place]:
    return [
        Place(path, node.lineno)
        for path in SOURCES
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.ExceptHandler) and _broad(node))
        or (isinstance(node, ast.Call) and _suppresses(node))
    ]


def test_broad_excepts_are_rare():
    assert len(_broad_excepts()) <= sum(map(length, SOURCES)) / 1000


def test_each_broad_except_says_why():
    silent = []
    for place in _broad_excepts():
        around = text(place.path).splitlines()[place.line - 2 : place.line + 1]
        if not any("#" in line for line in around):
            silent.append(place)
    assert silent == [], "put the reason in a comment beside it"


def test_what_is_silenced_says_why():
    silent = []
    for path in EVERYTHING:
        for number, line in enumerate(text(path).splitlines(), 1):
            for pattern in (_IGNORE, _NOQA):
                found = pattern.search(line)
                if found and not (found["codes"] and re.search(r"\w{3}", found["reason"])):
                    silent.append(Place(path, number, line.strip()))
    assert [place for place in silent if place.path.name != "test_budgets.py"] == []


def test_nothing_is_left_for_later():
    unfinished = [
        Place(path, number, line.strip())
        for path in EVERYTHING
        for number, line in enumerate(text(path).splitlines(), 1)
        if _UNFINISHED.search(line)
    ]
    assert unfinished == [], "do it now, or leave no word of it"


def test_there_is_as_much_test_as_source():
    tests, sources = (sum(map(length, python_files(folder))) for folder in ("tests", "src"))
    assert tests >= sources
