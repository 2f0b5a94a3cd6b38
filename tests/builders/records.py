"""Records of finished requests."""

from __future__ import annotations

from typing import Any

from brain_gateway.application.ports.access_log import AccessRecord
from tests.builders.gateway import TENANT


def record(**changes: Any) -> AccessRecord:
    """A request that went well, but for the changes."""
    usual = AccessRecord(
        unix_time=1_800_000_000.25, request_id="r-1", tenant_id=TENANT, user_id="u-1", service="shop",
        method="GET", target="/shop/items?q=1",
        status=200, duration=0.0123456, sent=512, client="203.0.113.9", upstream="http://shop:9000",
        attempts=1, error="",
    )  # fmt: skip
    return usual._replace(**changes)
