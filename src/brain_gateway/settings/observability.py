"""What the gateway tells about itself: logs, metrics, traces."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, SecretStr

from brain_gateway.settings.fields import Group, LowerCase, WebAddress, setting
from brain_gateway.settings.references import is_reference


def _long(secret: SecretStr) -> SecretStr:
    if len(secret) < 16 and not is_reference(secret.get_secret_value()):
        raise ValueError("must be longer")
    return secret


class ObservabilitySettings(Group):
    """Logs, access log, metrics and traces."""

    log_level: Annotated[Literal["debug", "info", "warning", "error", "critical"], LowerCase] = setting(
        "LOG_LEVEL", "info", "Least severity that is logged.", "debug, info, warning, error or critical"
    )
    log_format: Annotated[Literal["json", "console"], LowerCase] = setting(
        "LOG_FORMAT", "json", "One JSON object a line, or coloured text for people.", "json or console"
    )
    access_log: bool = setting(
        "ACCESS_LOG",
        True,
        "Whether requests are logged at all.",
        "on or off (true, false, yes, no, 1, 0)",
    )
    access_log_sample: float = setting(
        "ACCESS_LOG_SAMPLE",
        0.01,
        "Share of ordinary requests that is logged. Refusals, failures and slow requests always are.",
        "a number from 0 to 1",
        ge=0,
        le=1,
    )
    access_log_slow_ms: float = setting(
        "ACCESS_LOG_SLOW_MS",
        1000.0,
        "From which duration on a request counts as slow.",
        "a number from 0 to 86400000",
        "milliseconds",
        ge=0,
        le=86_400_000,
    )
    metrics_token: Annotated[SecretStr, AfterValidator(_long)] | None = setting(
        "METRICS_TOKEN",
        None,
        "Bearer token that GET /metrics asks for. Unset: everyone who reaches the port may read metrics.",
        "a random text of at least 16 characters",
    )
    trace_sample: float = setting(
        "TRACE_SAMPLE",
        0.01,
        "Share of the traces that begin here which are recorded; a caller's own decision is kept.",
        "a number from 0 to 1",
        "share",
        ge=0,
        le=1,
    )
    otel_exporter_otlp_endpoint: WebAddress | None = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        None,
        "OpenTelemetry collector that receives traces (OTLP/HTTP, extra `otel`). Unset: no traces.",
        "an http or https URL",
    )
