"""X-Request-ID: the caller's, or a new one."""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.requests import HTTPConnection

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


def request_id_of(request: HTTPConnection, new_id: Callable[[], str]) -> str:
    """The caller's X-Request-ID, or one of `new_id` (a UUID) in the place of one that is none."""
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else new_id().replace("-", "")
