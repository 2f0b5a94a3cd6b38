"""Paths that try to leave a service's prefix: refused, or harmless however the service reads them."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

import pytest

from tests.live.harness.gateway import head, request
from tests.live.harness.rig import running_rig

pytestmark = pytest.mark.anyio
PREFIX = "/api/v1/crm"

DOTS = (
    "..",
    ".",
    "%2e%2e",
    "%2E%2E",
    ".%2e",
    "%2e.",
    "%2e",
    "%252e%252e",
    "%25%32%65%25%32%65",
    "%2%65%2%65",
)
BEHIND = ("", ";", ";a=b", "%3b", "%3Ba", "%00", "%20", "?", "%3f", "%23", "%09")
SLASHES = (
    "/",
    "//",
    "/./",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    "%c0%af",
    "%e0%80%af",
    "%252f",
    "%25%32%66",
    ";/",
    "/;/",
    "/%2e/",
)

# Whatever stands before the dots, the dots, what follows them, the slash: then /vault. A sample of the product that
# has every pair, and what is known from the wild.
TRICKS = sorted(
    {f"/crm/a/{dots}{behind}{slash}{dots}{slash}vault" for dots in DOTS for behind in BEHIND for slash in SLASHES[:1]}
    | {f"/crm{slash}{dots}{slash}{dots}{slash}vault" for dots in DOTS for slash in SLASHES}
    | {f"/crm/{slash}{dots}{slash}vault/x" for dots in DOTS for slash in SLASHES}
    | {f"/crm/{dots}" for dots in DOTS}
    | {f"/brain-gateway/crm/{dots}/{dots}/vault" for dots in DOTS}
    | {f"/brain-gateway/{dots}/vault/x" for dots in DOTS}
    | {f"/{dots}/vault/x" for dots in DOTS}
    | {f"/{dots}{slash}crm{slash}{dots}{slash}vault" for dots in DOTS[:4] for slash in SLASHES}
    | {
        "/crm/..%ff/vault", "/crm/..%c0%ae/vault", "/crm/%c0%ae%c0%ae/vault", "/crm/%e0%80%ae%e0%80%ae/vault",
        "/crm/%uff0e%uff0e/vault", "/crm/%u002e%u002e/vault", "/crm/..%u2215vault", "/crm/..%ef%bc%8fvault",
        "/crm/....//....//vault", "/crm/...//.../vault", "/crm/..%0d%0avault", "/crm/%0d%0aHost:%20evil/x",
        "/crm%2f..%2fvault", "/crm%2fx", "/crm%5cx", "/cr%6d/x", "/%63%72%6d/x", "/crm;x/../vault", "/crm/..;x=y/vault",
        "/crm/.%00./vault", "/crm/%00", "/crm/a%00b", "/crm/.;/.;/x", "/crm/;/../vault", "/vault%2f..%2fcrm/x",
        "/crm//..//..//vault", "/crm/a/b/../../../../vault", "///crm/x", "//vault/x", "/./vault/x", "/;/vault/x",
        "/crm/%", "/crm/%2", "/crm/%zz", "/crm/%2g..", "/crm/..%", "http://g/crm/../vault", "http://g/../vault/x",
        "http://g//vault/x", "/crm/..\\..\\vault", "/crm\\..\\vault", "/crm/%5c..%5cvault", "/crm/..%5c..%5cvault",
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def rigs(tmp_path_factory):
    policies = {"crm": {"prefix": PREFIX}, "vault": {"prefix": "/v1", "roles": ["super_admin"]}}
    async with (
        running_rig(tmp_path_factory.mktemp("protocol"), policies) as protocol,
        running_rig(tmp_path_factory.mktemp("asgi"), policies, entry="asgi") as asgi,
    ):
        yield {"protocol": protocol, "asgi": asgi}


def readings(path: str) -> list[str]:
    """What services may make of a path: as it is, decoded, decoded twice; backslashes as slashes; parameters cut."""
    found = [path]
    for _ in range(3):
        found.append(unquote(found[-1], "latin-1"))
    found += [text.replace("\\", "/") for text in found]
    found += ["/".join(part.partition(";")[0] for part in text.split("/")) for text in found]
    found += [text.partition("\0")[0] for text in found]
    return [posixpath.normpath("/" + text.lstrip("/")) for text in found]


def stays_below(target: str) -> bool:
    """Whether every reading of a target stays below the prefix."""
    path = target.partition("?")[0]
    return all(text == PREFIX or text.startswith(PREFIX + "/") for text in readings(path))


@pytest.mark.parametrize("entry", ["protocol", "asgi"])
async def test_no_path_leaves_its_prefix(rigs, entry):
    """Over a connection each; all of them are tried, and told together."""
    rig = rigs[entry]
    faults = []
    for path in TRICKS:
        rig.upstream.reset()
        client = await rig.gateway.connect()
        await client.send(head(request("GET", path)))
        answer = await client.response()
        client.close()
        for arrival in rig.upstream.arrivals:
            if not stays_below(arrival.target):
                faults.append(f"{path} -> {arrival.target}")
            if (
                arrival.target.partition("?")[0]
                != PREFIX + path.removeprefix("/brain-gateway").partition("?")[0][4:]
            ):
                faults.append(f"{path} was changed to {arrival.target}")
        if not rig.upstream.arrivals and answer.status not in (400, 401, 403, 404):
            faults.append(f"{path}: {answer.status}")
    assert not faults, "\n".join(faults)


async def test_what_is_no_trick_passes(rigs):
    rig = rigs["protocol"]
    for path in (
        "/a..b",
        "/..a",
        "/a../b",
        "/.a",
        "/.well-known/x",
        "/a.",
        "/...",
        "/%41%2e%42",
        "/a;b=../x",
        "/a//b",
    ):
        rig.upstream.reset()
        answer = await rig.gateway.get(f"/crm{path}")
        assert answer.status == 200, path
        assert rig.upstream.arrivals[0].target == PREFIX + path
