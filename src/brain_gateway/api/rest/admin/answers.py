"""Answers of the administrative API: documents with their entity tags, pages with their cursors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from brain_gateway.api.rest.admin.cursors import to_text
from brain_gateway.api.rest.admin.preconditions import entity_tag, is_known
from brain_gateway.application.dto import Page, Stored
from brain_gateway.schemas.rendering import Document, date_time

Item = TypeVar("Item")
JSON_TYPE = "application/json"
_PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization, X-API-Key"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer before it is bytes. `kept`: what is kept of the document, for the same request when it comes again,
    where that must not be all of it."""

    document: Document | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    kept: Document | None = None

    def response(self) -> Response:
        """The answer itself."""
        return answer(self.document, self.status, self.headers)


def answer(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A document as JSON; None: no content."""
    body = b"" if document is None else orjson.dumps(document)
    kind = None if document is None else JSON_TYPE
    return Response(body, status, {**_PRIVATE, **(headers or {})}, kind)


def created(document: Document, tag: str, location: str) -> Rendered:
    """201 with where it is (RFC 9110 section 15.3.2)."""
    return Rendered(document, 201, {"Location": location, "ETag": tag})


def resource(request: Request, document: Document, tag: str | None) -> Response:
    """One resource, or 304 when the caller has this version."""
    if tag is None:
        return answer(document)
    if request.method in ("GET", "HEAD") and is_known(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers={**_PRIVATE, "ETag": tag})
    return answer(document, 200, {"ETag": tag})


def page_of(request: Request, page: Page[Item], render: Callable[[Item], Document]) -> Response:
    """A page: its items, and `next` (the cursor of the page that follows) unless it is the last; Link as RFC 8288."""
    document: Document = {"items": [render(item) for item in page.items]}
    if page.next is None:
        return answer(document)
    document["next"] = to_text(page.next)
    following = request.url.include_query_params(cursor=document["next"])
    return answer(document, 200, {"Link": f'<{following.path}?{following.query}>; rel="next"'})


def whole_list(items: Iterable[Item], render: Callable[[Item], Document]) -> Response:
    """A list that is never long: all of it."""
    return answer({"items": [render(item) for item in items]})


def bookkeeping(item: Stored) -> Document:
    """What the store keeps beside a resource; always there."""
    return {
        "version": item.version,
        "owner": item.owner,
        "created_at": date_time(item.created_at),
        "updated_at": date_time(item.updated_at),
    }


def tag_of(item: Stored) -> str:
    """The entity tag of a stored resource."""
    return entity_tag(item.id, item.version)


def without(document: Mapping[str, Any], *names: str) -> Document:
    """A document but for some members."""
    return {name: value for name, value in document.items() if name not in names}
