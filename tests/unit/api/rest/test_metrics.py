"""GET /metrics, open or behind a token."""

from __future__ import annotations

import httpx
import pytest

from brain_gateway.api.application import create_application
from brain_gateway.api.rest.metrics import metrics_answers, metrics_router
from brain_gateway.domain.errors import SecretsUnavailable

pytestmark = pytest.mark.anyio
TEXT = b"up 1\n"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def asked(token: str | Exception | None, authorization: str | None) -> httpx.Response:
    """What the endpoint answers."""

    def expected() -> str | None:
        if isinstance(token, Exception):
            raise token
        return token

    app = create_application([metrics_router(metrics_answers(lambda: TEXT, CONTENT_TYPE, expected))])
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


async def test_while_the_token_is_not_known_nobody_reads_them():
    answer = await asked(SecretsUnavailable("not read yet"), "Bearer ")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert TEXT not in answer.content


def test_its_description_asks_for_the_token_or_for_nothing():
    app = create_application([metrics_router(metrics_answers(lambda: TEXT, CONTENT_TYPE, lambda: None))])
    described = app.openapi()["paths"]["/metrics"]["get"]
    assert described["operationId"] == "metrics"
    assert described["security"] == [{"metrics_token": []}, {}]
    assert list(described["responses"]["200"]["content"]) == ["text/plain"]
