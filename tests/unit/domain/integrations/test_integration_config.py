"""The aggregate: nothing is active without credentials that its catalogue entry takes, and none are kept in it."""

import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from brain_gateway.domain.errors import Conflict, InvalidDocument
from brain_gateway.domain.events import (
    IntegrationActivated,
    IntegrationCredentialsChanged,
    IntegrationDeactivated,
    IntegrationHealthChanged,
    IntegrationUpdated,
    payload,
)
from brain_gateway.domain.integrations.credential_field import CredentialField
from brain_gateway.domain.integrations.integration import IntegrationCategory
from brain_gateway.domain.integrations.integration_config import CredentialsRecord, IntegrationConfig
from brain_gateway.domain.resilience.limits import RateLimit
from brain_gateway.domain.routing.service_status import ServiceStatus
from brain_gateway.domain.secret_path import SecretPath
from tests.builders.integrations import GOOD, ID, OTHER, TENANT, config, integration, secrets, variant

ENTRY = integration()
SECRET = "integration.pay.a-0123456789abcdef"
ABOUT = {"tenant_id": TENANT, "integration_id": ID, "integration_name": "pay"}


def active() -> IntegrationConfig:
    made = config()
    made.activate(secrets(GOOD), ENTRY, 10.0)
    made.pull_events()
    return made


def test_a_new_one_has_what_its_entry_says():
    entry = integration(rate_limit=RateLimit(5, 1.0), retries=1)
    made = IntegrationConfig.of(entry, id=ID, tenant_id=TENANT.upper())
    assert (made.rate_limit, made.retry_count) == (RateLimit(5, 1.0), 1)
    assert (made.category, made.key) == (IntegrationCategory.BUSINESS_OPS, (TENANT, "pay"))
    assert (made.is_active, made.health, made.credentials, made.version) == (False, "unknown", None, 0)
    assert made.secret_path is None


def test_activation():
    made = config()
    made.activate(secrets({**GOOD, "webhook_secret": "w"}), ENTRY, 7.0)
    assert made.is_active
    fields = frozenset({"secret_key", "webhook_secret"})
    assert made.credentials == CredentialsRecord("default", fields, 7.0)
    assert made.pull_events() == [
        IntegrationCredentialsChanged(occurred_at=7.0, fields=fields, **ABOUT),
        IntegrationActivated(occurred_at=7.0, **ABOUT),
    ]
    assert made.pull_events() == []


@pytest.mark.parametrize(
    ("credentials", "faults"),
    [
        ({}, ("credentials: secret_key: is missing",)),
        ({"secret_key": "pk_test_abcd"}, ("credentials: secret_key: does not look like one (sk_ and more)",)),
        (
            {"webhook_secret": "", "else": "x"},
            (
                "credentials: secret_key: is missing",
                "credentials: webhook_secret: is empty",
                "credentials: unknown fields: known are secret_key, webhook_secret",
            ),
        ),
    ],
)
def test_credentials_at_fault_change_nothing(credentials, faults):
    made = config()
    with pytest.raises(InvalidDocument) as caught:
        made.activate(secrets(credentials), ENTRY, 1.0)
    assert caught.value.faults == faults
    assert (made.is_active, made.credentials, made.pull_events()) == (False, None, [])


@given(
    st.dictionaries(
        st.sampled_from(["secret_key", "webhook_secret", "other"]), st.from_regex(r"\A[!-~]{20,40}\Z")
    )
)
def test_nothing_of_a_value_stays_or_is_told(credentials):
    made = config()
    said = ""
    try:
        made.activate(secrets(credentials), ENTRY, 1.0)
    except InvalidDocument as error:
        said = repr(error) + error.detail + "".join(error.faults)
    said += repr(made) + repr([payload(event) for event in made.pull_events()])
    kept = pickle.dumps(made)
    assert not [value for value in credentials.values() if value in said or value.encode() in kept]


def test_new_credentials_of_an_active_one():
    made = active()
    made.credentials_stored(SECRET)
    made.update_health(ServiceStatus.DOWN, 11.0)
    made.pull_events()
    made.activate(secrets({**GOOD, "webhook_secret": "w"}), ENTRY, 20.0)
    assert made.credentials == CredentialsRecord("default", frozenset({"secret_key", "webhook_secret"}), 20.0)
    assert made.health is ServiceStatus.UNKNOWN
    assert [type(event) for event in made.pull_events()] == [IntegrationCredentialsChanged]


def test_activation_with_what_is_on_file():
    made = active()
    made.credentials_stored(SECRET)
    made.deactivate(12.0)
    made.pull_events()
    made.activate(secrets(GOOD), ENTRY, 30.0, stored=True)
    assert made.is_active
    assert made.credentials == CredentialsRecord("default", frozenset({"secret_key"}), 10.0, SECRET)
    assert made.secret_path == SecretPath(TENANT, SECRET)
    assert made.pull_events() == [IntegrationActivated(occurred_at=30.0, **ABOUT)]


def test_what_is_on_file_is_judged_again():
    made = active()
    made.deactivate(12.0)
    stricter = integration(variant(CredentialField(name="secret_key"), CredentialField(name="account")))
    with pytest.raises(InvalidDocument, match="account: is missing"):
        made.activate(secrets(GOOD), stricter, 30.0, stored=True)
    assert not made.is_active


def test_a_variant_is_kept():
    entry = integration(
        variant(CredentialField(name="key"), name="a"), variant(CredentialField(name="key"), name="b")
    )
    made = config()
    made.activate(secrets({"key": "k"}), entry, 1.0, variant="b")
    assert made.credentials is not None
    assert made.credentials.variant == "b"
    made.deactivate(2.0)
    made.activate(secrets({"key": "k"}), entry, 3.0, stored=True)
    assert made.credentials.variant == "b"


def test_another_entry_is_a_mistake():
    with pytest.raises(ValueError, match="entry of tax is not pay's"):
        config().activate(secrets(GOOD), integration(name="tax"), 1.0)


def test_an_integration_without_credentials():
    made = config()
    made.activate({}, integration(variant()), 1.0)
    assert made.is_active
    assert made.credentials == CredentialsRecord("default", frozenset(), 1.0)


def test_deactivation_keeps_what_is_on_file():
    made = active()
    made.update_health(ServiceStatus.HEALTHY, 11.0)
    made.pull_events()
    assert made.deactivate(12.0)
    assert not made.deactivate(13.0)
    assert (made.is_active, made.health) == (False, ServiceStatus.UNKNOWN)
    assert made.credentials is not None
    assert made.pull_events() == [IntegrationDeactivated(occurred_at=12.0, **ABOUT)]


def test_credentials_are_forgotten_only_when_it_is_not_active():
    made = active()
    with pytest.raises(Conflict, match="deactivate it first"):
        made.forget_credentials(11.0)
    made.deactivate(12.0)
    made.pull_events()
    made.forget_credentials(13.0)
    made.forget_credentials(14.0)
    assert made.credentials is None
    assert made.pull_events() == [
        IntegrationCredentialsChanged(occurred_at=13.0, fields=frozenset(), **ABOUT)
    ]
    with pytest.raises(Conflict, match="has no credentials"):
        made.credentials_stored(SECRET)


def test_limits_and_retries():
    made = config()
    made.set_rate_limit(RateLimit(60, 60.0), 1.0)
    made.set_retries(3, 1.0)
    assert made.pull_events() == []
    made.set_rate_limit(RateLimit(10, 1.0, 2), 2.0)
    made.set_retries(0, 3.0)
    assert (made.rate_limit, made.retry_policy.attempts) == (RateLimit(10, 1.0, 2), 1)
    assert made.pull_events() == [
        IntegrationUpdated(occurred_at=2.0, settings=frozenset({"rate_limit"}), **ABOUT),
        IntegrationUpdated(occurred_at=3.0, settings=frozenset({"retry_count"}), **ABOUT),
    ]


@pytest.mark.parametrize("count", [-1, 10, 1000])
def test_retries_have_bounds(count):
    made = config()
    with pytest.raises(InvalidDocument, match=r"retry_count: must be within 0\.\.9"):
        made.set_retries(count, 1.0)
    with pytest.raises(InvalidDocument, match="retry_count"):
        config(retry_count=count)
    assert made.retry_count == 3


def test_health():
    made = config()
    assert not made.update_health(ServiceStatus.DOWN, 1.0)
    made = active()
    assert made.update_health(ServiceStatus.DOWN, 2.0)
    assert not made.update_health(ServiceStatus.DOWN, 3.0)
    assert made.pull_events() == [
        IntegrationHealthChanged(occurred_at=2.0, old=ServiceStatus.UNKNOWN, new=ServiceStatus.DOWN, **ABOUT)
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"id": "1"}, "id: must be a UUID"),
        ({"id": ID.upper()}, "id: must be a UUID"),
        ({"tenant_id": "demo"}, "tenant_id: "),
        ({"is_active": True}, "an active integration has credentials"),
    ],
)
def test_invariants(values, message):
    with pytest.raises(InvalidDocument, match=message):
        config(**values)


def test_events_of_one_integration_keep_their_order():
    made = config(tenant_id=OTHER)
    made.set_retries(1, 1.0)
    assert {event.aggregate for event in made.pull_events()} == {f"integration/{OTHER}/pay"}


class Life(RuleBasedStateMachine):
    """Whatever is done to it: active means credentials on record, and events tell every change of that."""

    def __init__(self) -> None:
        super().__init__()
        self.config = config()
        self.now = 0.0
        self.told = False

    @rule(good=st.booleans(), stored=st.booleans())
    def activate(self, good, stored):
        try:
            self.config.activate(
                secrets(GOOD if good else {"secret_key": "no"}), ENTRY, self.tick(), stored=stored
            )
        except InvalidDocument:
            assert not good

    @rule()
    def deactivate(self):
        self.config.deactivate(self.tick())

    @rule()
    def forget(self):
        try:
            self.config.forget_credentials(self.tick())
        except Conflict:
            assert self.config.is_active

    @rule()
    def store(self):
        try:
            self.config.credentials_stored(SECRET)
        except Conflict:
            assert self.config.credentials is None

    @invariant()
    def holds(self):
        for event in self.config.pull_events():
            if isinstance(event, IntegrationActivated | IntegrationDeactivated):
                assert self.told is not isinstance(event, IntegrationActivated), "told twice"
                self.told = isinstance(event, IntegrationActivated)
        assert self.told is self.config.is_active
        assert not self.config.is_active or self.config.credentials is not None
        assert replace(self.config).key == self.config.key

    def tick(self) -> float:
        self.now += 1.0
        return self.now


test_life = Life.TestCase
