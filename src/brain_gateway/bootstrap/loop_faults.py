"""What the event loop reports, but for what is no fault."""

from __future__ import annotations

import asyncio
import socket
from typing import Any


def heed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An exception handler for loops: all is logged as usual, except look-ups of names that came to nothing after
    nobody waited for them any more. uvloop leaves these alone when a connect is given up, and a resolver that takes
    longer than a probe may would fill the log with tracebacks."""
    error = context.get("exception")
    if isinstance(error, socket.gaierror) and not isinstance(context.get("future"), asyncio.Task):
        return
    loop.default_exception_handler(context)
