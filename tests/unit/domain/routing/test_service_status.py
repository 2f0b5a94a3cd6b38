"""The words for kind and status: they stand in files and answers, so they do not change."""

from brain_gateway.domain.routing.service_status import ServiceKind, ServiceStatus


def test_the_words() -> None:
    assert [str(kind) for kind in ServiceKind] == ["ai", "backend", "infrastructure", "internal"]
    assert [str(status) for status in ServiceStatus] == ["healthy", "degraded", "down", "unknown"]
