"""Domain events as log lines: trouble is a warning."""

from __future__ import annotations

import logging

import pytest

from brain_gateway.domain.events import (
    CircuitClosed,
    CircuitOpened,
    RouteRegistered,
    ServiceHealthChanged,
    TargetHealthChanged,
    TargetsDiscovered,
)
from brain_gateway.domain.routing.service_status import ServiceStatus
from brain_gateway.infrastructure.telemetry.events import log_event
from tests.builders.gateway import TENANT

WHERE = {"occurred_at": 1.0, "tenant_id": TENANT, "service": "shop"}
TARGET = {**WHERE, "target": "http://a:1"}


def health(new: ServiceStatus) -> ServiceHealthChanged:
    return ServiceHealthChanged(**WHERE, old=ServiceStatus.UNKNOWN, new=new)


EVENTS = [
    (CircuitOpened(**TARGET), logging.WARNING),
    (CircuitClosed(**TARGET), logging.INFO),
    (health(ServiceStatus.DOWN), logging.WARNING),
    (health(ServiceStatus.DEGRADED), logging.WARNING),
    (health(ServiceStatus.HEALTHY), logging.INFO),
    (health(ServiceStatus.UNKNOWN), logging.INFO),
    (TargetHealthChanged(**TARGET, healthy=False), logging.DEBUG),
    (TargetsDiscovered(**WHERE, targets=("http://a:1",)), logging.INFO),
    (TargetsDiscovered(**WHERE, targets=()), logging.WARNING),
    (RouteRegistered(**WHERE, path="/a", methods=frozenset({"GET"})), logging.INFO),
]


@pytest.mark.parametrize(("event", "level"), EVENTS)
def test_an_event_is_one_line_with_its_fields(caplog, event, level):
    with caplog.at_level(logging.DEBUG, "brain_gateway.events"):
        log_event(event)
    (line,) = caplog.records
    assert (line.levelno, line.getMessage(), line.service, line.tenant_id) == (
        level,
        type(event).__name__,
        "shop",
        TENANT,
    )
    assert not hasattr(line, "occurred_at")


def test_what_is_not_known_is_not_said(caplog):
    with caplog.at_level(logging.DEBUG, "brain_gateway.events"):
        log_event(CircuitOpened(**{**TARGET, "tenant_id": None}))
    assert not hasattr(caplog.records[0], "tenant_id")


def test_lists_are_told_one_beside_the_other(caplog):
    with caplog.at_level(logging.INFO, "brain_gateway.events"):
        log_event(TargetsDiscovered(**WHERE, targets=("http://a:1", "http://b:1")))
    assert caplog.records[0].targets == "http://a:1, http://b:1"
