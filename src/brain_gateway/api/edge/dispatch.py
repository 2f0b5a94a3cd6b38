"""The status of an answer that the gateway gives itself."""

from __future__ import annotations

from brain_gateway.api import problems
from brain_gateway.application.gateway.exchange import Refusal, Reply


def status_of(refusal: Refusal | Reply) -> int:
    """A reply's own, or the one that the table of problems gives to an error."""
    return refusal.status if isinstance(refusal, Reply) else problems.problem_of(refusal.error).status
