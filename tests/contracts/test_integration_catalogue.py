"""What every IntegrationCatalogue does: one suite over the fake and the files."""

import pytest

from brain_gateway.application.ports.integration_catalogue import IntegrationCatalogue
from brain_gateway.domain.errors import ResourceNotFound
from brain_gateway.infrastructure.catalogue.integration_catalogue import IntegrationCatalogue as FileCatalogue
from tests.builders.integrations import integration
from tests.fakes.integration_catalogue import FakeIntegrationCatalogue

ENTRY = """\
name: {name}
title: Pay
category: business_ops
agents: 4
origin: project
credentials:
  secret_key: {{pattern: "sk_(test|live)_[a-z0-9]{{4,}}"}}
  webhook_secret: {{required: false}}
"""


@pytest.fixture(params=["fake", "files"])
def catalogue(request, tmp_path) -> IntegrationCatalogue:
    names = ("tax", "pay")
    if request.param == "fake":
        return FakeIntegrationCatalogue(*(integration(name=name) for name in names))
    for name in names:
        (tmp_path / f"{name}.yaml").write_text(ENTRY.format(name=name))
    return FileCatalogue(tmp_path)


def test_names_are_sorted(catalogue):
    assert catalogue.names() == ("pay", "tax")


def test_all_are_what_each_is(catalogue):
    assert [entry.name for entry in catalogue.all()] == ["pay", "tax"]
    assert catalogue.all()[0] is catalogue.get("pay")


def test_an_entry(catalogue):
    entry = catalogue.get("tax")
    assert (entry.name, entry.agents, entry.required_fields()) == ("tax", 4, ("secret_key",))


@pytest.mark.parametrize("name", ["", "Pay", "pay.yaml", "../pay", "other"])
def test_what_is_not_there(catalogue, name):
    with pytest.raises(ResourceNotFound):
        catalogue.get(name)
