"""The stores that the suites of the control plane's repositories run over."""

from __future__ import annotations

import pytest

from tests.builders.stores import emptied, postgres_store, sqlite_store, sqlite_template
from tests.fakes.memory_store import MemoryStore
from tests.live.harness.postgres import in_thread
from tests.live.harness.valkey import running_valkey
from tests.live.harness.valkey_cluster import running_cluster


@pytest.fixture(scope="session")
def sqlite_database(tmp_path_factory):
    """A SQLite file with the schema, to copy."""
    return in_thread(sqlite_template, tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory):
    """The run's Valkey."""
    with running_valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def valkey(valkey_server):
    """It runs, whatever a test has done to it, and is empty."""
    if valkey_server.process.poll() is not None:
        valkey_server.start()
    valkey_server.flush()
    return valkey_server


@pytest.fixture(scope="session")
def valkey_cluster(tmp_path_factory):
    """The run's Cluster of three nodes."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@pytest.fixture
def cluster(valkey_cluster):
    """Likewise."""
    valkey_cluster.revive()
    valkey_cluster.flush()
    return valkey_cluster


@pytest.fixture(params=["valkey", "cluster"])
def shared_server(request):
    """One server, or a Cluster."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def postgres_database(postgres):
    """The name of a PostgreSQL database of the module's own."""
    return postgres.database()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request, tmp_path):
    """An empty store of each kind."""
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "sqlite":
        async with sqlite_store(request.getfixturevalue("sqlite_database"), tmp_path) as found:
            yield found
    else:
        server = request.getfixturevalue("postgres").server
        name = request.getfixturevalue("postgres_database")
        await emptied(server.url(name, "postgres"))
        async with postgres_store(server.url(name)) as found:
            yield found
