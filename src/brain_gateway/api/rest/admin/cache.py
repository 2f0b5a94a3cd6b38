"""/cache/purge: forget cached answers."""

from __future__ import annotations

from starlette.responses import Response

from brain_gateway.api.rest.admin import answers
from brain_gateway.api.rest.admin.asking import Asking
from brain_gateway.api.rest.admin.endpoint import Endpoint
from brain_gateway.api.rest.admin.models import NewPurge, PurgeAnswer
from brain_gateway.application.commands.cache import PurgeCacheCommand


async def purge_cache(ask: Asking, body: NewPurge) -> Response:
    """A tenant's; for the platform, the answers given to callers without credentials. Doing it twice does no harm, so
    an Idempotency-Key changes nothing here."""
    ask = ask.named(body.tenant)
    command = PurgeCacheCommand(
        tenant_id=ask.tenant_id, service=body.service, path=body.path, prefix=body.prefix
    )
    keys = await ask.do(command)
    counts = [await ask.control.purge(ask.tenant_id, key, body.path, body.prefix) for key in keys]
    return answers.answer({"purged": sum(counts)})


ENDPOINTS = (Endpoint("POST", "/cache/purge", purge_cache, "Purge the cache", PurgeAnswer),)
