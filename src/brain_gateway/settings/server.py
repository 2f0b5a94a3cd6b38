"""Where the gateway listens, with how many processes, and which connections it puts up with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from brain_gateway.settings.fields import Group, LowerCase, NetworkList, Profile, Seconds, setting


def _host(values: dict[str, Any]) -> str:
    return "0.0.0.0" if values["profile"] is Profile.PRODUCTION else "127.0.0.1"


class ServerSettings(Group):
    """The listening socket, the processes and their files."""

    profile: Annotated[Profile, LowerCase] = setting(
        "BRAIN_GATEWAY_PROFILE",
        Profile.DEVELOPMENT,
        "How strict the start is: `development` stays on loopback and makes demo credentials, "
        "`production` refuses values that are not safe.",
        "development or production",
    )
    host: str = setting(
        "BRAIN_GATEWAY_HOST",
        _host,
        "Address to listen on. The development profile takes loopback addresses only.",
        "an IP address or a host name of this machine",
        shown="127.0.0.1 (development), 0.0.0.0 (production)",
        pattern=r"^[0-9A-Za-z.:\[\]_%-]+$",
    )
    port: int = setting(
        "BRAIN_GATEWAY_PORT",
        8001,
        "Port to listen on; 0 lets the system choose.",
        "a whole number from 0 to 65535",
        ge=0,
        le=65535,
    )
    workers: int = setting(
        "BRAIN_GATEWAY_WORKERS",
        1,
        "Worker processes that share the port.",
        "a whole number from 1 to 512",
        ge=1,
        le=512,
    )
    config: Path | None = setting(
        "BRAIN_GATEWAY_CONFIG",
        None,
        "Configuration file (gateway.yaml). Unset: the packaged services only.",
        "the path of a file",
    )
    data_dir: Path = setting(
        "BRAIN_GATEWAY_DATA_DIR",
        Path(".brain-gateway"),
        "Directory of what the gateway keeps on this machine: the SQLite database, the development secret.",
        "the path of a directory that the gateway may create and write",
    )
    tls_cert_file: Path | None = setting(
        "TLS_CERT_FILE",
        None,
        "Certificate chain (PEM). With TLS_KEY_FILE it turns TLS on.",
        "the path of a file",
    )
    tls_key_file: Path | None = setting(
        "TLS_KEY_FILE",
        None,
        "Private key of the certificate (PEM).",
        "the path of a file",
    )
    trusted_proxies: NetworkList = setting(
        "TRUSTED_PROXIES",
        (),
        "Networks whose X-Forwarded-* and Forwarded are believed. Unset: nobody's.",
        "a comma list of IP addresses or CIDR ranges, such as 10.0.0.0/8,fd00::/8",
    )


def _drain_delay(values: dict[str, Any]) -> float:
    return 5.0 if values["profile"] is Profile.PRODUCTION else 0.0


class ConnectionSettings(Group):
    """Bounds of one connection and of all together."""

    max_header_bytes: int = setting(
        "MAX_HEADER_BYTES",
        65536,
        "Longest head of a request: request line and all fields (431 beyond).",
        "a whole number from 1024 to 1048576",
        "bytes",
        ge=1024,
        le=1048576,
    )
    max_header_count: int = setting(
        "MAX_HEADER_COUNT",
        100,
        "Most header fields of a request (431 beyond).",
        "a whole number from 10 to 10000",
        "fields",
        ge=10,
        le=10000,
    )
    max_target_bytes: int = setting(
        "MAX_TARGET_BYTES",
        16384,
        "Longest request target, path and query (414 beyond).",
        "a whole number from 256 to 1048576",
        "bytes",
        ge=256,
        le=1048576,
    )
    header_timeout: Seconds = setting(
        "HEADER_TIMEOUT",
        10.0,
        "Time for a whole head to arrive once it has begun (408 beyond).",
        "a duration from 100ms to 1h, such as 10 or 10s",
        "seconds",
        ge=0.1,
        le=3600,
    )
    body_timeout: Seconds = setting(
        "BODY_TIMEOUT",
        30.0,
        "Longest pause between two pieces of a request's body (408 beyond).",
        "a duration from 100ms to 1h, such as 30 or 30s",
        "seconds",
        ge=0.1,
        le=3600,
    )
    send_timeout: Seconds = setting(
        "SEND_TIMEOUT",
        60.0,
        "How long a client may leave the rest of an answer unread before its connection is cut.",
        "a duration from 100ms to 1h, such as 60 or 1m",
        "seconds",
        ge=0.1,
        le=3600,
    )
    keep_alive_timeout: Seconds = setting(
        "KEEP_ALIVE_TIMEOUT",
        75.0,
        "How long an idle client connection stays open.",
        "a duration from 0 to 1d, such as 75 or 75s",
        "seconds",
        ge=0,
        le=86400,
    )
    drain_delay: Seconds = setting(
        "DRAIN_DELAY",
        _drain_delay,
        "How long a stopping gateway goes on listening with readiness down, so that load balancers see it.",
        "a duration from 0 to 10m, such as 5 or 5s",
        "seconds",
        shown="0 (development), 5 (production)",
        ge=0,
        le=600,
    )
    drain_timeout: Seconds = setting(
        "DRAIN_TIMEOUT",
        30.0,
        "How long a stopping gateway waits for requests in flight.",
        "a duration from 0 to 1h, such as 30 or 30s",
        "seconds",
        ge=0,
        le=3600,
    )
    max_connections: int = setting(
        "MAX_CONNECTIONS",
        0,
        "Most client connections of one worker; 0 means no bound.",
        "a whole number from 0 to 1000000",
        "connections",
        ge=0,
        le=1_000_000,
    )
    max_tunnels: int = setting(
        "MAX_TUNNELS",
        1000,
        "Most WebSocket connections that one tenant has open to one service (429 beyond).",
        "a whole number from 1 to 1000000",
        "connections",
        ge=1,
        le=1_000_000,
    )
    pool_size: int = setting(
        "POOL_SIZE",
        256,
        "Most idle connections that one worker keeps to one target.",
        "a whole number from 0 to 65536",
        "connections",
        ge=0,
        le=65536,
    )
