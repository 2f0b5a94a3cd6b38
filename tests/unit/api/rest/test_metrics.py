"""GET /metrics, open or behind a token."""

from __future__ import annotations

import httpx
import pytest

from brain_gateway.api.application import create_application
from brain_gateway.api.rest.metrics import metrics_router

pytestmark = pytest.mark.anyio
TEXT = b"up 1\n"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def asked(token: str | None, authorization: str | None) -> httpx.Response:
    """What the endpoint answers."""
    app = create_application([metrics_router(lambda: TEXT, CONTENT_TYPE, lambda: token)])
    headers = {} if authorization is None else {"Authorization": authorization}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gw.example") as client:
        return await client.get("/metrics", headers=headers)


ACCESS = [
    (None, None, 200),
    (None, "Bearer anything", 200),
    ("s3cret", "Bearer s3cret", 200),
    ("s3cret", "bearer  s3cret ", 200),
    ("s3cret", None, 401),
    ("s3cret", "", 401),
    ("s3cret", "Basic s3cret", 401),
    ("s3cret", "Bearer", 401),
    ("s3cret", "Bearer s3cre", 401),
    ("s3cret", "Bearer s3cret2", 401),
    ("sécret", "Bearer secret", 401),
]


@pytest.mark.parametrize(("token", "authorization", "status"), ACCESS)
async def test_who_may_read_the_metrics(token, authorization, status):
    answer = await asked(token, authorization)
    assert answer.status_code == status
    if status == 200:
        assert (answer.content, answer.headers["content-type"]) == (TEXT, CONTENT_TYPE)
    else:
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert TEXT not in answer.content
