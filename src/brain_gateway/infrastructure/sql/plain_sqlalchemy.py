"""SQLAlchemy's asyncio engine without the ORM, which its package imports for the sessions (6 MiB, 50 ms a start).

Import the engine from here. Whoever asks `sqlalchemy.ext.asyncio` for a session later gets it, and the ORM with it.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

_PACKAGE = "sqlalchemy.ext.asyncio"
_OF_THE_ORM = (f"{_PACKAGE}.session", f"{_PACKAGE}.scoping")


class _Later(ModuleType):
    """Stands for a module while the package takes names from it."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return self


def _found_later(name: str) -> object:
    """The package's __getattr__ (PEP 562), for the names that were left out."""
    if not name.startswith("_"):
        for module in map(importlib.import_module, _OF_THE_ORM):
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")


def _import_without_orm() -> None:
    stand_ins = {name: _Later(name) for name in _OF_THE_ORM}
    sys.modules.update(stand_ins)
    try:
        package = importlib.import_module(_PACKAGE)
    finally:
        for name in stand_ins:
            del sys.modules[name]
    members = vars(package)
    for name in [name for name, value in members.items() if isinstance(value, _Later)]:
        del members[name]
    members["__getattr__"] = _found_later


if _PACKAGE not in sys.modules:
    _import_without_orm()

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine  # noqa: E402 - see above

__all__ = ["AsyncConnection", "AsyncEngine", "create_async_engine"]
