"""Where PostgreSQL is and who the gateway is there, asked at each connect: a password may change while it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only

from brain_gateway.domain.errors import StoreUnavailable

_REFUSED = ("28P01", "28000")  # invalid_password, invalid_authorization_specification


class Addressing:
    """`url` gives the address as it is known now, or raises StoreUnavailable; `renew` looks whether it is another.

    With `renew`, a password that PostgreSQL refuses is looked up again and the connect repeated, once.
    """

    def __init__(self, url: Callable[[], URL], renew: Callable[[], Awaitable[None]] | None = None) -> None:
        self.url = url
        self._renew = renew

    def lead(self, engine: AsyncEngine) -> None:
        """Have each new connection of the engine made to the address of that moment; those that stand stay."""
        if self._renew is not None:
            event.listen(engine.sync_engine, "do_connect", self._connect)

    def _connect(
        self, dialect: Dialect, record: object, arguments: list[Any], options: dict[str, Any]
    ) -> DBAPIConnection:
        """SQLAlchemy's hook in place of a connect (DialectEvents.do_connect); runs where it may await."""
        assert self._renew is not None
        url = self.url()
        try:
            return dialect.connect(*arguments, **self._options(dialect, url, options))
        # Whatever the driver raises, and it is raised again: which of its classes it is, differs between drivers.
        except Exception as error:
            if _state(error) not in _REFUSED:
                raise
            await_only(self._renew())
            if self.url() == url:
                raise
        return dialect.connect(*arguments, **self._options(dialect, self.url(), options))

    def _options(self, dialect: Dialect, url: URL, options: dict[str, Any]) -> dict[str, Any]:
        if url.get_backend_name() != dialect.name:
            raise StoreUnavailable(
                "DATABASE_URL leads to another kind of database by now: restart the gateway"
            )
        return {**options, **dialect.create_connect_args(url)[1]}


def _state(error: BaseException | None) -> str | None:
    """The SQLSTATE, of the error or of what it was made from."""
    while error is not None:
        if state := getattr(error, "sqlstate", None):
            return str(state)
        error = error.__cause__
    return None
