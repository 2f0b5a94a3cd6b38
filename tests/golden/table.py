"""The golden cases: YAML files in cases/, read into what a run sends, scripts and expects.

A case is a mapping:

    name:      what is promised
    from:      the client's address (127.0.0.1; 127.0.0.2 is a trusted proxy)
    send:      what the client sends: a piece, or a list of pieces
    upstream:  what the service sees and answers: an expectation, a list of them (one per request), or `never`
    client:    what the client gets: an expectation, or a list of them (one per response)
    closed:    whether the gateway closes the connection then (false: it serves another request; null: either)
    asgi:      same (default); {differs: why, ...} replaces keys for the ASGI entry; {absent: why} leaves it out

A piece is the text of a head (lines apart by newlines), or a mapping of `head` with `body`, or of `bytes`; `after: n`
sends it only when n responses (interim ones included) have come. An expectation at the service: `head` (all of it, in
order), `line` (the first), `has` (lines), `in_order` (lines), `lacks`
(names), `body`, `framing`, `answers` (a piece or a list of them; `early: true` gives
them before the body is read) and `hangs_up`. At the client: `status`, `has`, `lacks`, `body`, `json` (members),
`hides` (texts that are nowhere in it), `framing`, `interim` (statuses).

Texts may name <client>, <manager>, ... (credential lines of `credentials`), and in expectations <hex32>, <trace>,
<date>, <any> (patterns) and <upstream> (its host:port). Strings are Latin-1: "\\xff" is the byte 255.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.live.harness import credentials
from tests.live.harness.credentials import API_KEY, OTHER_TENANT, bearer

CASES = Path(__file__).with_name("cases")
ENTRIES = ("protocol", "asgi")
PATTERNS = {
    "<hex32>": "[0-9a-f]{32}",
    "<trace>": "00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]",
    "<date>": "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT",
    "<any>": ".*",
}
_MARK = re.compile(r"<[a-z0-9_-]+>")


@dataclass(frozen=True)
class Case:
    """One case for one entry."""

    file: str
    entry: str
    content: dict[str, Any]

    @property
    def id(self) -> str:
        """As pytest shows it."""
        return f"{self.entry}-{self.file}-{self.content['name'].replace(' ', '_')}"

    def list_of(self, key: str) -> list[Any]:
        """A key that holds one thing or a list of them."""
        value = self.content.get(key, [])
        return value if isinstance(value, list) else [value]


def load() -> list[Case]:
    """All cases, for both entries."""
    cases: list[Case] = []
    for file in sorted(CASES.glob("*.yaml")):
        for content in yaml.safe_load(file.read_text(encoding="utf-8")):
            cases += [case for entry in ENTRIES if (case := _for_entry(file.stem, entry, content))]
    return cases


def _for_entry(file: str, entry: str, content: dict[str, Any]) -> Case | None:
    asgi = content.get("asgi", "same")
    if entry == "protocol" or asgi == "same":
        return Case(file, entry, content)
    if "absent" in asgi:
        assert len(asgi["absent"]) > 10, f"{content['name']}: say why the ASGI entry has no such case"
        return None
    assert len(asgi["differs"]) > 10, f"{content['name']}: say why the ASGI entry differs"
    return Case(file, entry, {**content, **asgi})


def known_credentials() -> dict[str, str]:
    """Credential lines by the marks that stand for them."""
    lines = {
        name: bearer(roles=(name,), user=f"{name}-1")
        for name in ("client", "manager", "super_admin", "tenant_admin")
    }
    lines["other-tenant"] = bearer(tenant=OTHER_TENANT, user="other-1")
    lines["expired"] = bearer(lifetime=-3600.0)
    lines["forged"] = bearer(secret="another secret of more than thirty-two bytes")
    lines["key"] = f"X-API-Key: {API_KEY}"
    lines["key-bearer"] = f"Authorization: Bearer {API_KEY}"
    lines["tenant"] = credentials.TENANT
    lines["other-tenant-id"] = OTHER_TENANT
    return {f"<{name}>": line for name, line in lines.items()}


def filled(text: str, values: dict[str, str]) -> str:
    """`text` with the marks that `values` knows."""
    return _MARK.sub(lambda found: values.get(found[0], found[0]), text)


def pattern(text: str, values: dict[str, str]) -> re.Pattern[str]:
    """`text` as an expression: marks filled in, patterns in their places, the rest literal."""
    parts = re.split(r"(<[a-z0-9_-]+>)", filled(text, values))
    return re.compile("".join(PATTERNS.get(part) or re.escape(part) for part in parts), re.DOTALL)
