"""The catalogue in files: read when asked for, faults of all files at once."""

import subprocess
import sys

import pytest

from brain_gateway.domain.errors import ConfigurationError, ResourceNotFound
from brain_gateway.infrastructure.catalogue.integration_catalogue import IntegrationCatalogue

ENTRY = "{{name: {name}, title: T, category: ecommerce, agents: 1, origin: project}}"


@pytest.fixture
def folder(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text(ENTRY.format(name=name))
    (tmp_path / "notes.txt").write_text("no entry")
    return tmp_path


def test_nothing_is_read_before_it_is_asked_for(folder):
    (folder / "b.yaml").write_text("at fault")
    catalogue = IntegrationCatalogue(folder)
    assert catalogue.names() == ("a", "b")
    assert catalogue.get("a").name == "a"
    with pytest.raises(ConfigurationError, match=r"b\.yaml:1: must be a mapping"):
        catalogue.get("b")


def test_an_entry_is_read_once(folder):
    catalogue = IntegrationCatalogue(folder)
    first = catalogue.get("a")
    (folder / "a.yaml").unlink()
    assert catalogue.get("a") is first


@pytest.mark.parametrize("name", ["c", "../a", "notes", "notes.txt", "a.yaml", "", "A"])
def test_names_that_are_not_there(folder, name):
    with pytest.raises(ResourceNotFound, match="the catalogue has no such integration"):
        IntegrationCatalogue(folder).get(name)


def test_faults_of_all_files(folder):
    (folder / "a.yaml").write_text("[")
    (folder / "c.yaml").write_bytes(b"\xff")
    (folder / "d.yaml").write_text(ENTRY.format(name="e"))
    with pytest.raises(ConfigurationError) as caught:
        IntegrationCatalogue(folder).all()
    assert [fault.partition(":")[0] for fault in caught.value.faults] == ["a.yaml", "c.yaml", "d.yaml"]


def test_a_gateway_that_proxies_reads_no_entry():
    """Neither the models nor the reader are imported by what a start imports."""
    code = "import sys, brain_gateway.main; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "brain_gateway.bootstrap" in loaded
    assert "brain_gateway.infrastructure.catalogue.entries" not in loaded
