"""Patterns: parsed strictly, escaped, anchored, typed."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.domain.routing.route_pattern import MAX_LENGTH, MAX_SEGMENTS, RoutePattern

ID = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
LITERAL = st.text("ab.*+?^$()[]|\\-%é ~'\"", min_size=1, max_size=6).filter(
    lambda text: text not in (".", "..")
)


def encoded(text: str) -> str:
    """Literal text as a careful author writes it in a pattern."""
    return text.replace("%", "%25").replace("?", "%3F").replace("#", "%23")


@pytest.mark.parametrize(
    ("pattern", "path", "parameters"),
    [
        ("/", "/", {}),
        ("/", "", None),
        ("/", "//", None),
        ("/login", "/login", {}),
        ("/login", "/Login", None),
        ("/login", "/login/", None),
        ("/login", "/login2", None),
        ("/login", "/a/login", None),
        ("/{name}", "/x", {"name": "x"}),
        ("/{name}", "/", None),
        ("/{name}", "/x/y", None),
        ("/{name:str}", "/a b%2Fc", {"name": "a b%2Fc"}),
        ("/campaigns/{id:int}", "/campaigns/123", {"id": 123}),
        ("/campaigns/{id:int}", "/campaigns/12a", None),
        ("/users/{id:uuid}", f"/users/{ID}", {"id": UUID(ID)}),
        ("/{a}/{b:slug}", "/x/y-z", {"a": "x", "b": "y-z"}),
        ("/campaigns/{id:int}/items/{name}", "/campaigns/7/items/n", {"id": 7, "name": "n"}),
        ("/files/{rest:path}", "/files/a/b.txt", {"rest": "a/b.txt"}),
        ("/files/{rest:path}", "/files/", {"rest": ""}),
        ("/files/{rest:path}", "/files", {"rest": ""}),
        ("/files/{rest:path}", "/filesystem", None),
        ("/{rest:path}", "/", {"rest": ""}),
        ("/{rest:path}", "/a/b", {"rest": "a/b"}),
        ("/{rest:path}", "", None),
        ("/caf%C3%A9", "/café", {}),
        ("/café", "/café", {}),
        ("/a%2fb", "/a%2Fb", {}),
        ("/100%25", "/100%", {}),
        ("/what%3F", "/what?", {}),
    ],
)
def test_match(pattern: str, path: str, parameters: dict | None) -> None:
    compiled = RoutePattern(pattern)
    assert compiled.match(path) == parameters
    if parameters is not None:
        assert compiled.parameters_of(path[1:].split("/")) == parameters


@given(LITERAL, LITERAL)
def test_literals_are_escaped(text: str, other: str) -> None:
    pattern = RoutePattern(f"/{encoded(text)}")
    assert pattern.match(f"/{text}") == {}
    assert pattern.literal == f"/{text}"
    assert (pattern.match(f"/{other}") is None) == (text != other)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/login", "/login"),
        ("/campaigns/{id:int}", "/campaigns/1"),
        ("/x/{slug:slug}", "/x/a"),
        ("/users/{id:uuid}", f"/users/{ID}"),
        ("/{name}/end", "/x/end"),
    ],
)
@pytest.mark.parametrize("more", ["\n", "\r\n", "\0", " ", "/", "\nx", "/more"])
def test_nothing_may_follow(pattern: str, path: str, more: str) -> None:
    assert RoutePattern(pattern).match(path) is not None
    assert RoutePattern(pattern).match(path + more) is None
    assert RoutePattern(pattern).match(more + path) is None


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("", "starts with /"),
        ("login", "starts with /"),
        ("/a//b", "column 4: an empty segment"),
        ("/a/", "column 4: an empty segment"),
        ("//", "an empty segment"),
        ("/a/../b", '".." never reaches'),
        ("/%2E%2e/b", "never reaches"),
        ("/a?b=c", "no query"),
        ("/a#b", "no fragment"),
        ("/100%", "% is followed by two hex digits"),
        ("/%zz", "% is followed by two hex digits"),
        ("/%ff", "not UTF-8"),
        ("/a\n", "control character"),
        ("/%00", "control character"),
        ("/{}", "fills a whole segment"),
        ("/{", "fills a whole segment"),
        ("/}", "fills a whole segment"),
        ("/{a}.json", "fills a whole segment"),
        ("/v{a}", "fills a whole segment"),
        ("/{a}{b}", "fills a whole segment"),
        ("/{1a}", "fills a whole segment"),
        ("/{a b}", "fills a whole segment"),
        ("/{a:[0-9]+}", "fills a whole segment"),
        ("/x/{id:integer}", 'column 4: unknown type "integer" of parameter "id"; use one of str, int'),
        ("/{id:}", 'unknown type ""'),
        ("/{a}/{a:int}", "occurs twice"),
        ("/{rest:path}/more", "must be last"),
        ("/a" * (MAX_SEGMENTS + 1), "more than 64 segments"),
    ],
)
def test_bad_patterns_say_where(pattern: str, named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RoutePattern(pattern)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    "chain",
    [
        ["/a/b", "/a/{x:int}", "/a/{x}", "/a/{x:path}"],
        ["/a/{x}", "/{x:int}/b", "/{x:slug}/{y}", "/{x}/b", "/{x:path}"],
        ["/files", "/files/{x:path}"],
    ],
)
def test_specificity_from_left_to_right(chain: list[str]) -> None:
    ranks = [RoutePattern(text).specificity for text in chain]
    assert ranks == sorted(set(ranks), reverse=True)


@pytest.mark.parametrize(
    ("one", "other", "tie"),
    [
        ("/a", "/a", True),
        ("/a", "/b", False),
        ("/a", "/%61", True),
        ("/{x}", "/{y}", True),
        ("/{x}/a", "/{y}/b", False),
        ("/{x}/a", "/a/{y}", False),
        ("/{x:int}", "/{y}", False),
        ("/{x:int}", "/{y:slug}", True),
        ("/{x:uuid}", "/{y:slug}", True),
        ("/{x:uuid}", "/{y:int}", False),
        ("/{x:int}/a", "/{y:slug}/a", True),
        ("/a/{x:path}", "/a/{y:path}", True),
        ("/a/{x:path}", "/a/{y}", False),
        ("/a", "/a/{x:path}", False),
        ("/a/{x}", "/a/{x}/b", False),
    ],
)
def test_overlaps(one: str, other: str, tie: bool) -> None:
    assert RoutePattern(one).overlaps(RoutePattern(other)) is tie
    assert RoutePattern(other).overlaps(RoutePattern(one)) is tie


def test_a_pattern_is_its_text() -> None:
    assert RoutePattern("/a/{x}") == RoutePattern("/a/{x}")
    assert RoutePattern("/a/{x}") != RoutePattern("/a/{y}")
    assert len({RoutePattern("/a"), RoutePattern("/a"), RoutePattern("/b")}) == 2
    assert (str(RoutePattern("/a/{x:int}")), RoutePattern("/a/{x}").literal) == ("/a/{x:int}", None)


def test_the_length_is_bounded():
    assert RoutePattern("/" + "a" * (MAX_LENGTH - 1))
    with pytest.raises(ConfigurationError, match="2000 characters"):
        RoutePattern("/" + "a" * MAX_LENGTH)
