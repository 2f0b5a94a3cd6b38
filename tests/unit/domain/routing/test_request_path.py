"""From a target to a service and a rest that cannot leave the service's prefix, however a server reads it."""

from __future__ import annotations

from itertools import product
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_gateway.domain.errors import MalformedRequest
from brain_gateway.domain.routing.request_path import normal_form, origin_form, other_forms, split

# What servers do to a path, in the combinations that are found in the world


def readings(path: bytes) -> list[bytes]:
    """As servers may see it: decoded up to twice, backslashes as slashes, parameters dropped before or after."""
    seen = []
    for times, backslash, parameters in product(range(3), (False, True), ("kept", "before", "after")):
        text = path
        if parameters == "before":
            text = without_parameters(text)
        for _ in range(times):
            text = unquote_to_bytes(text)
        if backslash:
            text = text.replace(b"\\", b"/")
        if parameters == "after":
            text = without_parameters(text)
        seen.append(text)
    return seen


def without_parameters(path: bytes) -> bytes:
    return b"/".join(segment.partition(b";")[0] for segment in path.split(b"/"))


def leaves(path: bytes) -> bool:
    """Whether resolving dot segments (RFC 3986 section 5.2.4) climbs over the beginning."""
    depth = 0
    for segment in path.split(b"/")[1:]:
        depth += -1 if segment == b".." else segment not in (b"", b".")
        if depth < 0:
            return True
    return False


def has_dot_segments(path: bytes) -> bool:
    return any(segment in (b".", b"..") for text in readings(path) for segment in text.split(b"/"))


def encoded(text: str, choices: list[int]) -> str:
    """Each character as it is, percent-encoded, or encoded twice."""
    spelled = ""
    for character, choice in zip(text, choices, strict=True):
        spelled += (
            character,
            f"%{ord(character):02X}",
            f"%{ord(character):02x}",
            f"%25{ord(character):02x}",
        )[choice]
    return spelled


@st.composite
def paths(draw: st.DrawFn) -> bytes:
    """Segments, some of dots, with separators and characters in odd spellings."""
    words = st.sampled_from(["..", "..", ".", "a", "b.c", "...", "..a", "", ";", "..;x", "a;b", ";..", "~"])
    separators = st.sampled_from(["/", "/", "/", "\\", "//"])
    text = "".join(draw(separators) + word for word in draw(st.lists(words, min_size=1, max_size=6)))
    choices = draw(st.lists(st.integers(0, 3), min_size=len(text), max_size=len(text)))
    plain = draw(st.booleans())
    return b"/" + encoded(text, [0] * len(text) if plain else choices).lstrip("/").encode()


@settings(max_examples=4 * settings.default.max_examples)
@given(paths(), st.sampled_from([b"", b"?a=/../b", b"?%zz"]))
def test_no_path_that_some_server_resolves_upwards_passes(path, query):
    refused = is_refused(b"/shop" + path + query)
    if any(leaves(text) for text in readings(path)):
        assert refused, path
    if not has_dot_segments(path) and b"\\" not in path:
        assert not refused, path


def is_refused(target: bytes) -> bool:
    try:
        name, rest = split(target)
    except MalformedRequest:
        return True
    assert (name, rest) == (b"shop", target[5:])  # the bytes are as they were sent
    return False


REFUSED = [
    "/..", "/.", "/../x", "/./x", "/a/..", "/a/../..", "//..", "/%2e%2e/x", "/%2E./x", "/.%2e", "/%2e",
    "/a/%2e%2e%2f%2e%2e",
    "/..%2fx", "/..%2Fx", "/x%2f..", "/..;/x", "/..;a=b/x", "/.;/x", "/%2e%2e;/x", "/..%3bx", "/..\\x",
    "/x\\y", "/%5c..", "/..%5cx",
    "/%252e%252e/x", "/%252e%252e%252fx", "/%00", "/a%00b", "/%c0%ae%c0%ae/x", "/%c1%9c", "/%", "/%2",
    "/%zz", "/a%2gb", "/%%32e",
]  # fmt: skip


@pytest.mark.parametrize("rest", REFUSED)
def test_refused(rest):
    assert is_refused(f"/shop{rest}".encode())


PASSED = [
    "", "/", "/x", "//x", "/x//y/", "/...", "/..x", "/x..", "/.hidden", "/a.b", "/x.", "/%20", "/%2Fx",
    "/a%2fb", "/;a=..", "/a;..",
    "/%41", "/%c3%a9", "?", "?/../x", "?%zz", "?a=%2e%2e", "/x?\\", "/~a", "/a%3Fb", "/%e0%a4", "/a%25b",
]  # fmt: skip


@pytest.mark.parametrize("rest", PASSED)
def test_passed_as_sent(rest):
    assert not is_refused(f"/shop{rest}".encode())


SPLITS = [
    ("/shop/a/b", b"shop", b"/a/b"),
    ("/shop", b"shop", b""),
    ("/shop/", b"shop", b"/"),
    ("/shop?a/b", b"shop", b"?a/b"),
    ("/shop?", b"shop", b"?"),
    ("/brain-gateway/shop/a", b"shop", b"/a"),
    ("/brain-gateway/shop?a", b"shop", b"?a"),
    ("/brain-gateway/shop", b"shop", b""),
    ("/brain-gateway", b"brain-gateway", b""),
    ("/brain-gateway?a", b"brain-gateway", b"?a"),
    ("/brain-gateway/", b"", b""),
    ("/brain-gateway/brain-gateway/shop", b"brain-gateway", b"/shop"),
    ("/brain-gateway//shop", b"", b"/shop"),
    ("//shop/a", b"", b"/shop/a"),
    ("/", b"", b""),
    ("/%73hop/a", b"%73hop", b"/a"),
    ("/shop%2fa", b"shop%2fa", b""),
    ("/../shop", b"..", b"/shop"),
    ("/shop;v=1/a", b"shop;v=1", b"/a"),
]


@pytest.mark.parametrize(("target", "name", "rest"), SPLITS)
def test_the_first_segment_is_the_service_as_it_is_spelled(target, name, rest):
    assert split(target.encode()) == (name, rest)


ABSOLUTE = [
    ("http://h/a", b"h", b"/a"),
    ("https://h.example:8443/a?b", b"h.example:8443", b"/a?b"),
    ("http://h", b"h", b"/"),
    ("http://h?a", b"h", b"/?a"),
    ("http://[2001:db8::1]:80/a", b"[2001:db8::1]:80", b"/a"),
    ("x-y+z.1://h/a://b", b"h", b"/a://b"),
]


@pytest.mark.parametrize(("target", "authority", "path"), ABSOLUTE)
def test_the_absolute_form(target, authority, path):
    assert origin_form(target.encode()) == (authority, path)


@pytest.mark.parametrize(
    "target",
    [
        "h:443",
        "a/b",
        "://h/a",
        "http:/h",
        "http:///a",
        "http://u@h/a",
        "http://h,i/a",
        'http://h"/a',
        "1http://h/",
    ],
)
def test_what_is_neither_a_path_nor_an_absolute_form(target):
    with pytest.raises(MalformedRequest):
        origin_form(target.encode())


@given(
    st.text(
        st.characters(min_codepoint=0x21, max_codepoint=0x17F, exclude_characters="/?%;\\#\x7f"), max_size=8
    ),
    st.data(),
)
def test_spellings_that_decode_alike_find_the_same_route(text, choice):
    raw = text.encode()
    spelled = b"".join(
        bytes([byte]) if byte < 0x80 and choice.draw(st.booleans()) else b"%%%02x" % byte for byte in raw
    )
    slashes = choice.draw(st.sampled_from(["/", "//", "///"])).encode()
    end = choice.draw(st.sampled_from([b"", b"/", b"//", b"?q=%2e", b"/?"]))
    assert normal_form(slashes + spelled + slashes + b"x" + end) == f"/{text}/x".replace("//", "/")


NORMAL = [
    ("", "/"),
    ("/", "/"),
    ("//", "/"),
    ("?a=b", "/"),
    ("/a%2Fb", "/a%2Fb"),
    ("/a%2fb", "/a%2Fb"),
    ("/%61/b", "/a/b"),
    ("/caf%C3%A9", "/café"),
    ("/%FF", "/\ufffd"),
    ("/a/?b/c", "/a"),
]


@pytest.mark.parametrize(("rest", "form"), NORMAL)
def test_the_normal_form(rest, form):
    assert normal_form(rest.encode()) == form


OTHER: list[tuple[str, set[str]]] = [
    ("/a/b", set()),
    ("/a%20b", set()),
    ("/a?x=%2f;", set()),
    ("/a%2fb", {"/a/b"}),
    ("/a;v=1/b", {"/a/b", "/a;v=1/b"}),
    ("/a%3bv=1/b", {"/a/b", "/a;v=1/b"}),
    ("/a;v=1%2fb", {"/a", "/a/b", "/a;v=1/b"}),
    ("/;x", {"/", "/;x"}),
]


@pytest.mark.parametrize(("rest", "forms"), OTHER)
def test_the_forms_of_services_that_decode_slashes_or_cut_parameters(rest, forms):
    assert other_forms(rest.encode()) == forms


WORDS = st.sampled_from(
    ["a", "b", "%61", ";v", "%3bv", ";v=a", "%2f", "%2F", "/", "//", "a;v%2fb", "%20", "?q"]
)


@given(st.lists(WORDS, max_size=8).map("".join))
def test_no_common_reading_is_forgotten(text):
    rest = ("/" + text).encode()
    known = {normal_form(rest), *other_forms(rest)}
    path = rest.partition(b"?")[0]
    cut = without_parameters(path)
    for reading in (
        unquote_to_bytes(path),
        unquote_to_bytes(cut),
        without_parameters(unquote_to_bytes(path)),
    ):
        while b"//" in reading:
            reading = reading.replace(b"//", b"/")
        assert (reading.rstrip(b"/") or b"/").decode() in known
