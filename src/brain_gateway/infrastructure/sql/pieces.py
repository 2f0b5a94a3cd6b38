"""Rows by the thousand, made in pieces: the event loop, which requests go through, gets its turn between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

PIECE = 100  # rows; they take a millisecond or two
Item = TypeVar("Item")
Made = TypeVar("Made")


async def in_pieces(make: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
    """What `make` makes of each item."""
    made: list[Made] = []
    for at, item in enumerate(items, 1):
        made.append(make(item))
        if not at % PIECE:
            await asyncio.sleep(0)
    return made
