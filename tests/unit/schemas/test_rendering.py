"""Documents of what a tenant has set up of an integration: names of fields, and nothing that was in them."""

from __future__ import annotations

from brain_gateway.domain.resilience.rate_limit import RateLimit
from brain_gateway.schemas.rendering import document_of
from tests.builders.integrations import GOOD, TENANT, config, integration, secrets

BARE = {
    "name": "pay",
    "tenant": TENANT,
    "category": "business_ops",
    "active": False,
    "rate_limit": {"requests": 60, "window": 60},
    "retries": 3,
    "health": "unknown",
}


def test_an_integration_that_is_not_activated():
    assert document_of(config()) == BARE


def test_an_active_one_shows_no_credential_and_not_where_they_are():
    made = config(rate_limit=RateLimit(5, 0.5, 2), retry_count=0)
    made.activate(secrets({**GOOD, "webhook_secret": "neverseen"}), integration(), 1_800_000_000.0)
    made.credentials_stored("integration.pay.6b49d200-0123456789abcdef")
    assert document_of(made) == {
        **BARE,
        "active": True,
        "rate_limit": {"requests": 5, "window": 0.5, "burst": 2},
        "retries": 0,
        "credentials": {
            "variant": "default",
            "fields": ["secret_key", "webhook_secret"],
            "changed_at": "2027-01-15T08:00:00.000Z",
        },
    }
