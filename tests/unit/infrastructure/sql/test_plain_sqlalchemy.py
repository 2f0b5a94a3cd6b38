"""The stores have SQLAlchemy's asyncio engine without the ORM; who wants its sessions still gets them."""

from __future__ import annotations

import subprocess
import sys

import pytest

MODULE = "brain_gateway.infrastructure.sql.plain_sqlalchemy"
SESSION = "from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker"


def printed(code: str) -> str:
    """By a new interpreter: what this one has imported is of no interest."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("module", [MODULE, "brain_gateway.main"])
def test_the_orm_is_not_imported_with_it(module):
    code = f"import sys, {module}; print('sqlalchemy.ext.asyncio' in sys.modules, 'sqlalchemy.orm' in sys.modules)"
    assert printed(code) == "True False"


def test_sessions_can_be_had_after_it():
    code = f"import {MODULE}; {SESSION}; print(AsyncSession.__module__, async_sessionmaker.__module__)"
    assert printed(code) == "sqlalchemy.ext.asyncio.session sqlalchemy.ext.asyncio.session"


def test_a_session_and_the_engine_of_this_module_work_together():
    code = (
        f"import asyncio, sqlalchemy, {MODULE} as plain; {SESSION}\n"
        "async def main():\n"
        "    engine = plain.create_async_engine('sqlite+aiosqlite://')\n"
        "    async with AsyncSession(engine) as session:\n"
        "        print(await session.scalar(sqlalchemy.text('select 41 + 1')))\n"
        "    await engine.dispose()\n"
        "asyncio.run(main())"
    )
    assert printed(code) == "42"


def test_the_package_stays_as_it_is_where_it_was_imported_before():
    code = f"{SESSION}\nimport {MODULE} as plain, sqlalchemy.ext.asyncio as package\n"
    code += "print(hasattr(package, '__getattr__'), package.AsyncEngine is plain.AsyncEngine)"
    assert printed(code) == "False True"


@pytest.mark.parametrize("name", ["nothing", "_private", "__path_of_old__"])
def test_other_names_are_missed_as_ever(name):
    code = (
        f"import {MODULE}, sqlalchemy.ext.asyncio as package\n"
        f"try: package.{name}\nexcept AttributeError as error: print(error)"
    )
    assert printed(code) == f"module 'sqlalchemy.ext.asyncio' has no attribute '{name}'"


def test_nothing_stands_in_for_a_module_afterwards():
    code = (
        f"import sys, {MODULE}, sqlalchemy.ext.asyncio as package\n"
        "print([n for n in ('session', 'scoping') if 'sqlalchemy.ext.asyncio.' + n in sys.modules])\n"
        "print([n for n, v in vars(package).items() if type(v).__name__ == '_Later'])\n"
        "print(set(package.__dict__) >= {'AsyncEngine', 'AsyncConnection', 'create_async_engine', 'AsyncResult'})"
    )
    assert printed(code).split("\n") == ["[]", "[]", "True"]
