"""The one request that every benchmark sends, its answer, and the token that lets it in."""

from __future__ import annotations

import json

import jwt

SECRET = "an-hs256-secret-for-benchmarks-only-0123456789"
TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
ISSUER = "bench"
# Far in the future: a token that expires during a long run would turn the figures into those of 401 answers.
EXPIRES_AT = 4_102_444_800

PROXIED_PREFIX = "/ai-agents"
UPSTREAM_PREFIX = "/api/v1/agents"
RESOURCE = "/campaigns/1"
PROXIED_PATH = PROXIED_PREFIX + RESOURCE
UPSTREAM_PATH = UPSTREAM_PREFIX + RESOURCE

ANSWER = json.dumps(
    {
        "id": 1,
        "name": "Spring launch",
        "status": "active",
        "channels": ["email", "search", "social"],
        "budget": {"amount": 1250, "currency": "EUR"},
        "summary": "A short answer of the size that an API gives most often.",
    }
)

# About what a browser sends: header parsing and copying is a real share of a proxy's work.
BROWSER_HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "application/json",
    "Accept-Language": "de-DE,de;q=0.9,en;q=0.7",
    "Accept-Encoding": "gzip, deflate, br",
    "Cache-Control": "no-cache",
    "Origin": "https://console.example.com",
    "X-Request-ID": "7d1f4c52-6a0e-4a38-9b59-5f0a4c1f9a10",
}


def mint_token(role: str = "client") -> str:
    """Return a bearer token (JWT, HS256, RFC 7519) of a user of the benchmark's tenant."""
    claims = {"sub": "bench", "iss": ISSUER, "tenant_id": TENANT, "roles": [role], "exp": EXPIRES_AT}
    return jwt.encode(claims, SECRET, algorithm="HS256")


def request_headers() -> dict[str, str]:
    """Return the headers of the benchmark's request, the bearer token among them (Host is left out)."""
    return {**BROWSER_HEADERS, "Authorization": f"Bearer {mint_token()}"}


def request_head(path: str, method: str = "GET", **extra: str) -> bytes:
    """Return the bytes of an HTTP/1.1 request head; `extra` names headers with `_` for `-`."""
    headers = {"Host": "gateway.example.com", **request_headers()}
    headers.update({name.replace("_", "-"): value for name, value in extra.items()})
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
