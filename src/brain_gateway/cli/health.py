"""`brain-gateway health`: how the services are, over the Admin API."""

from __future__ import annotations

from brain_gateway.cli.remote.connection import Remote, connected
from brain_gateway.cli.remote.exits import ExitCode, Stopped
from brain_gateway.cli.remote.resources import Tenant
from brain_gateway.cli.remote.screen import Column

COLUMNS = (
    Column("name"),
    Column("tenant"),
    Column("status"),
    Column("since"),
    Column("response ms", lambda health: health.get("response_time_ms")),
    Column("breaker"),
)


@connected
def health(remote: Remote, tenant: Tenant = None) -> None:
    """Show how every service is, from the gateway's last checks. Exit code 1 unless all are well."""
    report = remote.api.get("/health", tenant=tenant).document
    if remote.screen.as_json:
        remote.screen.json(report)
    else:
        remote.screen.rows(report["services"], COLUMNS)
    if report["status"] != "healthy":
        raise Stopped(ExitCode.REFUSED, f"the gateway is {report['status']}")
