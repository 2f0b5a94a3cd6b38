"""What a failure of the store means, in words for its operator: the library's own name addresses and commands."""

from __future__ import annotations

from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
    TryAgainError,
)

_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (AuthenticationError, "it asks for another user or password"),
    (NoPermissionError, "its user may not run the commands that are needed"),
    (OutOfMemoryError, "it is full (maxmemory)"),
    (ReadOnlyError, "it is a replica, which takes no writes"),
    (MovedError, "it is a Cluster that does not tell its user where keys are (CLUSTER SLOTS)"),
    (ClusterDownError, "a part of its Cluster is away"),
    (TryAgainError, "its Cluster is moving the keys"),
    (AskError, "its Cluster is moving the keys"),
    (BusyLoadingError, "it is loading its data"),
    (TimeoutError, "it does not answer in time"),
    (ResponseError, "it answers with an error"),
)


def reason(error: Exception | None) -> str:
    """Why the store cannot be used; None: no answer came in time."""
    if error is None:
        return "it does not answer in time"
    return next((text for kind, text in _REASONS if isinstance(error, kind)), "it cannot be reached")
