"""What both entries ask before the RequestRouter: answers that concern the gateway as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain_gateway.api import problems
from brain_gateway.application.gateway.exchange import Refusal, Reply
from brain_gateway.domain.errors import MethodNotAllowed

if TYPE_CHECKING:
    from brain_gateway.domain.http.requests import RequestLine

_METHODS = frozenset(problems.ALLOWED.encode().split(b", "))


def own_answer_to(line: RequestLine) -> Refusal | Reply | None:
    """To `OPTIONS *` (RFC 9110 section 9.3.7), and to methods that no own path has; None for all else."""
    if line.target == b"*":
        return Reply(204, (("Allow", problems.ALLOWED),))
    return None if line.method in _METHODS else Refusal(MethodNotAllowed())


def status_of(refusal: Refusal | Reply) -> int:
    """A reply's own status, or the one that the table of problems gives to an error."""
    return refusal.status if isinstance(refusal, Reply) else problems.problem_of(refusal.error).status
