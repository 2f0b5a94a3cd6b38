"""One request to the administrative API: who asks, for whose resources, and the buses on their behalf."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

import orjson
from fastapi import Depends, Query, Request
from starlette.responses import Response

from brain_gateway.api.dependencies import Caller
from brain_gateway.api.rest.admin.answers import Rendered, answer
from brain_gateway.api.rest.admin.control_plane import ControlPlane
from brain_gateway.api.rest.admin.cursors import UUID, Shape, from_text
from brain_gateway.api.rest.admin.preconditions import expected_version, several
from brain_gateway.application import bus
from brain_gateway.application.authorization import Actor
from brain_gateway.application.dto import PageRequest
from brain_gateway.domain.errors import InvalidDocument, MalformedRequest, ResourceNotFound
from brain_gateway.schemas.rendering import Document
from brain_gateway.schemas.types import TenantId

Result = TypeVar("Result")
_KEY = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?')


@dataclass(frozen=True, slots=True)
class Ask:
    """`tenant_id`: whose resources are meant; None: the platform's, or everybody's."""

    request: Request
    control: ControlPlane
    caller: Caller
    tenant_id: str | None

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return self.caller.actor

    def of(self, tenant_id: str | None) -> Ask:
        """The same request, for other resources."""
        return Ask(self.request, self.control, self.caller, tenant_id)

    def named(self, tenant_id: str | None) -> Ask:
        """The same request, for the tenant that its body names. Raises InvalidDocument if `?tenant=` says another."""
        if tenant_id is None:
            return self
        if self.request.query_params.get("tenant", tenant_id) != tenant_id:
            raise InvalidDocument("tenant: is another than the parameter of that name")
        return self.of(tenant_id)

    async def find(self, query: bus.Query[Result]) -> Result:
        """What a query finds."""
        return await self.control.queries.ask(self.actor, query)

    async def do(self, command: bus.Command[Result]) -> Result:
        """What a command gives."""
        return await self.control.commands.execute(self.actor, command)

    async def once(self, command: bus.Command[Result], render: Callable[[Result, int], Rendered]) -> Response:
        """Do it, or give the answer that it was given before under the same Idempotency-Key.

        `render` makes the answer of the result and of the configuration version that it made (0: none).
        """
        key = self._idempotency_key()
        once: bus.Once[Result] | None = None
        if key is not None:
            caller = f"{self.actor.tenant_id}/{self.actor.user_id}/{self.tenant_id}"
            once = bus.Once(caller, key, self.request.state.fingerprint, lambda *made: _kept(render(*made)))
        outcome = await self.control.commands.execute_once(self.actor, command, once)
        if outcome.again is not None:
            return _again(outcome.again)
        return render(outcome.result, outcome.version).response()  # type: ignore[arg-type]  # not again: a result

    def _idempotency_key(self) -> str | None:
        given = self.request.headers.getlist("idempotency-key")
        if not given:
            return None
        found = _KEY.fullmatch(given[0].strip())
        if len(given) > 1 or found is None:
            raise MalformedRequest("Idempotency-Key: must be one text of 1 to 255 visible characters")
        return found[1]

    def expected(self, name: str) -> int | None:
        """The version of what `name` identifies that If-Match asks for, None for any. Raises PreconditionFailed."""
        return expected_version(self._if_match, name)

    @property
    def is_conditional(self) -> bool:
        """Whether there is an If-Match."""
        return self._if_match is not None

    @property
    def names_several(self) -> bool:
        """Whether If-Match names several versions, so that the present one must be known to choose."""
        return several(self._if_match)

    def expected_of(self, name: str, current: int) -> int | None:
        """Like `expected`, of several tags the one that holds now."""
        return expected_version(self._if_match, name, current)

    @property
    def _if_match(self) -> str | None:
        given = self.request.headers.getlist("if-match")
        return ", ".join(given) if given else None


def _kept(rendered: Rendered) -> bus.Answer:
    document = rendered.document if rendered.kept is None else rendered.kept
    body = "" if document is None else orjson.dumps(document).decode()
    return bus.Answer(rendered.status, orjson.dumps(dict(rendered.headers)).decode(), body)


def _again(kept: bus.Answer) -> Response:
    headers: dict[str, str] = {**orjson.loads(kept.headers), "Idempotency-Replayed": "true"}
    return answer(orjson.loads(kept.body) if kept.body else None, kept.status, headers)


async def _own(request: Request) -> Ask:
    caller: Caller = request.state.caller
    tenant_id = None if caller.actor.everywhere else caller.actor.tenant_id
    return Ask(request, request.state.control, caller, tenant_id)


async def _chosen(
    request: Request,
    tenant: Annotated[
        TenantId | None,
        Query(description="Whose resources. Default: the caller's tenant; for a super_admin, the platform."),
    ] = None,
) -> Ask:
    own = await _own(request)
    return own if tenant is None else own.of(tenant)


Asking = Annotated[Ask, Depends(_chosen)]
"""A request that may name a tenant by `?tenant=`; that it may is for the bus to say."""
AskingOwn = Annotated[Ask, Depends(_own)]
"""A request about what has no other owner to choose."""


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page is asked for."""

    size: int
    cursor: str | None

    def request(self, shape: Shape) -> PageRequest:
        """For a query. Raises MalformedRequest for a cursor that the list did not give."""
        return PageRequest(self.size, None if self.cursor is None else from_text(self.cursor, shape))


async def _paging(
    limit: Annotated[int, Query(ge=1, le=500, description="How many items, at most.")] = 100,
    cursor: Annotated[
        str | None, Query(max_length=500, description="`next` of the page before this one.")
    ] = None,
) -> Paging:
    return Paging(limit, cursor)


Paged = Annotated[Paging, Depends(_paging)]


def uuid_of(text: str) -> str:
    """An id out of a path. Raises ResourceNotFound for what cannot be one."""
    if UUID.fullmatch(text) is None:
        raise ResourceNotFound("there is no such resource")
    return text


def described(ask: Ask, thing: object) -> Document:
    """The document of an aggregate, as the audit log shows it."""
    return dict(ask.control.describe(thing))
