"""Many rows are made in pieces, between which others have their turn."""

from __future__ import annotations

import asyncio

import pytest

from brain_gateway.infrastructure.sql.pieces import PIECE, in_pieces

pytestmark = pytest.mark.anyio


async def turns_of_others(count):
    """How often another task ran while so many rows were made."""
    turns, going = 0, True

    async def other():
        nonlocal turns
        while going:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    made = await in_pieces(lambda number: -number, range(count))
    going, had = False, turns
    await task
    assert made == [-number for number in range(count)]
    return had


@pytest.mark.parametrize(
    ("rows", "turns"), [(0, 0), (1, 0), (PIECE - 1, 0), (PIECE, 1), (10 * PIECE + 1, 10)]
)
async def test_others_have_a_turn_after_each_piece(rows, turns):
    assert await turns_of_others(rows) == turns


async def test_an_error_ends_it():
    with pytest.raises(ZeroDivisionError):
        await in_pieces(lambda number: 1 // number, [1, 0, 1])
