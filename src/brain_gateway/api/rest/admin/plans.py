"""Plans as documents: each step with how the thing is and how it is to be."""

from __future__ import annotations

from collections import Counter

from brain_gateway.application.configuration_plan import (
    Declared,
    Known,
    Plan,
    PlannedChange,
    Step,
    record_of,
    without_leased,
)
from brain_gateway.application.dto import ApiKeyDTO, LimitDTO, ServiceRegistrationDTO
from brain_gateway.application.work import Describe
from brain_gateway.schemas.rendering import Document


def plan_document(plan: Plan, owner: str, describe: Describe) -> Document:
    """`base` is the configuration version that the plan is made for."""
    counts = Counter(change.step for change in plan.changes)
    return {
        "base": plan.version,
        "owner": owner,
        "changes": [_change(change, describe) for change in plan.changes],
        "summary": {**{step.value: counts[step] for step in Step}, "unchanged": plan.unchanged},
    }


def _change(change: PlannedChange, describe: Describe) -> Document:
    known, declared = change.known, change.declared
    return {
        "step": change.step.value,
        "kind": change.kind.value,
        "key": change.key,
        **({} if known is None else {"owner": known.owner}),
        "before": None if known is None else _shown(_as_declared(known), describe),
        "after": None if declared is None else _shown(declared, describe),
    }


def _as_declared(known: Known) -> Declared:
    """What is there, as a file would declare it."""
    if isinstance(known, ServiceRegistrationDTO):
        return without_leased(known)
    if isinstance(known, LimitDTO):
        return known.limit
    return record_of(known) if isinstance(known, ApiKeyDTO) else known.tenant.name


def _shown(declared: Declared, describe: Describe) -> Document:
    return {"name": declared} if isinstance(declared, str) else dict(describe(declared))
