"""What OpenAPI says of an endpoint beside its models; test_router.py compares it with the API."""

from __future__ import annotations

import pytest
from pydantic import BaseModel
from starlette.responses import Response

from brain_gateway.api.rest.admin import described
from brain_gateway.api.rest.admin.endpoint import TAG, Endpoint


class Thing(BaseModel):
    """An answer."""


async def handler() -> Response:
    """An endpoint."""
    return Response()


def row(method: str, path: str, **more) -> Endpoint:
    return Endpoint(method, path, handler, "Do it", **{"answer": Thing, **more})


@pytest.mark.parametrize(
    ("endpoint", "fields", "statuses"),
    [
        (row("GET", "/things"), [], [200]),
        (row("GET", "/things/{id}", headers=TAG), ["If-None-Match"], [200, 304]),
        (row("PUT", "/things/{id}", headers=TAG), ["If-Match"], [200]),
        (row("PUT", "/limits/{id}", headers=TAG), ["If-None-Match", "If-Match"], [200]),
        (row("DELETE", "/things/{id}", answer=None, status=204), ["If-Match"], [204]),
        (row("POST", "/things", status=201), ["Idempotency-Key"], [201]),
        (row("POST", "/things/{id}/do"), ["If-Match", "Idempotency-Key"], [200]),
        (row("POST", "/config/plan"), [], [200]),
        (row("POST", "/cache/purge"), [], [200]),
        (row("DELETE", "/instances/{lease}", answer=None, status=204), [], [204]),
    ],
)
def test_fields_and_statuses(endpoint, fields, statuses):
    given = described.parameters(endpoint)
    assert [one["name"] for one in given] == fields
    assert all(one["in"] == "header" and not one["required"] for one in given)
    assert list(described.responses(endpoint)) == statuses


def test_an_answer_has_its_model_its_fields_and_its_other_form():
    found = described.responses(row("POST", "/things", media_type="application/yaml", headers=TAG))[200]
    assert found["description"] == "Do it."
    assert found["model"] is Thing
    assert found["content"] == {"application/yaml": {"schema": {"type": "object"}}}
    assert list(found["headers"]) == ["ETag", "Idempotency-Replayed"]
    stream = row("GET", "/stream", answer=None, media_type="text/event-stream")
    assert described.responses(stream)[200]["content"] == {
        "text/event-stream": {"schema": {"type": "string"}}
    }
    assert described.responses(row("GET", "/things"))[200] == {"description": "Do it.", "model": Thing}
