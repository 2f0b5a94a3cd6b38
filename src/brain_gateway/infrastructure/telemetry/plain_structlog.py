"""structlog as a server wants it: without rich, which it would import for coloured tracebacks (5 MiB, 50 ms a start).

Import structlog from here. Tracebacks are made by `format_exc_info`, with rich or without.
"""

from __future__ import annotations

import sys

_absent = "rich" not in sys.modules
if _absent:
    sys.modules["rich"] = None  # type: ignore[assignment]  # how Python is told that a module is not there
try:
    import structlog
finally:
    if _absent:
        del sys.modules["rich"]

__all__ = ["structlog"]
