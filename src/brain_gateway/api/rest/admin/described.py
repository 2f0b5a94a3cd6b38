"""What OpenAPI says of an endpoint beside its models: the fields that it heeds, and the answers that these bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brain_gateway.api.rest.admin.endpoint import Endpoint

_UNCONDITIONAL = ("/instances", "/config", "/cache")  # what has no versions that a caller could name
_NEVER_KEPT = ("/config/plan", "/cache/purge")  # doing them twice is as good as once


def parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    """The header fields of RFC 9110 section 13 and of draft-ietf-httpapi-idempotency-key-header that it heeds."""
    found = []
    if _is_versioned(endpoint):
        found.append(
            _field("If-None-Match", "The entity tag that is known: 304 in the place of the same again.")
        )
    if endpoint.method == "PUT" and endpoint.path.startswith("/limits"):
        found.append(_field("If-None-Match", "`*`: only what was not set."))
    if _is_conditional(endpoint):
        found.append(
            _field("If-Match", "The entity tag of the version that is to change: 412 for any other.")
        )
    if endpoint.method == "POST" and endpoint.path not in _NEVER_KEPT:
        found.append(_field("Idempotency-Key", "The same request under the same key is done once."))
    return found


def responses(endpoint: Endpoint) -> dict[int | str, dict[str, Any]]:
    """The answers of success, by their status."""
    found: dict[int | str, dict[str, Any]] = {endpoint.status: _success(endpoint)}
    if _is_versioned(endpoint):
        found[304] = {"description": "The version that If-None-Match names is the present one."}
    return found


def _is_versioned(endpoint: Endpoint) -> bool:
    return endpoint.method == "GET" and "ETag" in endpoint.headers


def _is_conditional(endpoint: Endpoint) -> bool:
    named = "{" in endpoint.path and not endpoint.path.startswith(_UNCONDITIONAL)
    return named and endpoint.method != "GET"


def _field(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }


def _success(endpoint: Endpoint) -> dict[str, Any]:
    described: dict[str, Any] = {"description": endpoint.summary + "."}
    if endpoint.answer is not None:
        described["model"] = endpoint.answer
    if endpoint.media_type is not None:
        kind = "string" if endpoint.answer is None else "object"
        described["content"] = {endpoint.media_type: {"schema": {"type": kind}}}
    headers = dict(endpoint.headers)
    if endpoint.method == "POST" and endpoint.path not in _NEVER_KEPT:
        headers["Idempotency-Replayed"] = "`true`: the answer of before, to the same Idempotency-Key."
    if headers:
        described["headers"] = {
            name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()
        }
    return described
