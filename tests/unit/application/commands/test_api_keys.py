"""API keys: issued once, kept as hashes, revoked."""

from __future__ import annotations

import pytest

from brain_gateway.application.commands import api_keys
from brain_gateway.application.commands.api_keys import IssueApiKeyCommand, RevokeApiKeyCommand
from brain_gateway.domain.errors import (
    Conflict,
    InvalidDocument,
    PreconditionFailed,
    ResourceNotFound,
    RoleRequired,
)
from tests.builders.control import Control, actor
from tests.builders.gateway import OTHER_TENANT, TENANT

pytestmark = pytest.mark.anyio


@pytest.fixture
def control():
    return Control()


def issue(*roles, tenant_id=TENANT, **changes):
    return IssueApiKeyCommand(tenant_id=tenant_id, user_id="u", roles=frozenset(roles), **changes)


async def test_a_key_is_shown_once_and_kept_nowhere(control):
    issued = await control.do(issue("client", name="nightly"), actor())
    secret = issued.key.reveal()
    kept = control.store.state.api_keys[issued.item.id]
    assert (kept.hash, kept.prefix, kept.name) == (issued.key.hash, secret[:12], "nightly")
    assert secret not in repr(control.store.state)
    assert secret not in repr(issued)


async def test_two_keys_differ(control):
    first, second = await control.do(issue()), await control.do(issue())
    assert first.key.reveal() != second.key.reveal()


async def test_nobody_issues_more_than_they_are(control):
    for roles in (["super_admin"], ["service_registrar"]):
        with pytest.raises(RoleRequired):
            await control.do(issue(*roles), actor())
    await control.do(issue("service_registrar", "super_admin"))


async def test_what_cannot_be_issued(control):
    with pytest.raises(InvalidDocument):
        await control.do(issue(tenant_id=None))
    with pytest.raises(InvalidDocument):
        await control.do(issue(expires_at=control.clock.unix()))


async def test_a_revoked_key_stays_revoked(control):
    item = (await control.do(issue(), actor())).item
    revoke = RevokeApiKeyCommand(tenant_id=TENANT, key_id=item.id)
    with pytest.raises(PreconditionFailed):
        await control.do(RevokeApiKeyCommand(tenant_id=TENANT, key_id=item.id, expected=2), actor())
    await control.do(revoke, actor())
    kept = control.store.state.api_keys[item.id]
    assert (kept.revoked_at, kept.version) == (control.clock.unix(), 2)
    await control.do(revoke, actor())
    assert control.store.state.api_keys[item.id] == kept
    assert control.committed == [1, 2]


async def test_another_tenants_key_is_not_there(control):
    item = (await control.do(issue(tenant_id=OTHER_TENANT))).item
    with pytest.raises(ResourceNotFound):
        await control.do(RevokeApiKeyCommand(tenant_id=TENANT, key_id=item.id), actor())


async def test_a_tenants_keys_are_bounded_for_its_own_people(control, monkeypatch):
    monkeypatch.setattr(api_keys, "MOST_KEYS", 2)
    first = (await control.do(issue(), actor())).item
    await control.do(issue(), actor())
    with pytest.raises(Conflict, match="at most 2 API keys"):
        await control.do(issue(), actor())
    await control.do(RevokeApiKeyCommand(tenant_id=TENANT, key_id=first.id), actor())
    await control.do(issue(), actor())
    await control.do(issue())
    await control.do(issue(tenant_id=OTHER_TENANT))
