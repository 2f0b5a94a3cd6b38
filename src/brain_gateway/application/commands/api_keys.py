"""Issue and revoke API keys."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from brain_gateway.application.authorization import Action, may_grant
from brain_gateway.application.bus import Command
from brain_gateway.application.commands.changing import check_version, refuse_too_many
from brain_gateway.application.commands.tenants import refuse_unserved
from brain_gateway.application.dto import ApiKeyDTO
from brain_gateway.application.ports.configuration_versions import ChangeKind
from brain_gateway.application.work import Work
from brain_gateway.domain.errors import InvalidDocument, ResourceNotFound
from brain_gateway.domain.events import ApiKeyIssued, ApiKeyRevoked
from brain_gateway.domain.tenancy import ApiKey

KEY_BYTES = 32
MOST_KEYS = 10_000  # of one tenant, which its own people issue


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key: shown once, to whoever asked for it."""

    item: ApiKeyDTO
    key: ApiKey


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueApiKeyCommand(Command[IssuedKey]):
    """A key of `tenant_id` for a user with roles; `expires_at` in unix seconds."""

    action = Action.WRITE_KEYS
    user_id: str
    roles: frozenset[str] = frozenset()
    name: str = ""
    expires_at: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeApiKeyCommand(Command[None]):
    """Refuse a key from now on, everywhere; revoking it again changes nothing."""

    action = Action.WRITE_KEYS
    key_id: str
    expected: int | None = None


async def issue_api_key(command: IssueApiKeyCommand, work: Work) -> IssuedKey:
    """Raises RoleRequired for roles that the actor may not give, InvalidDocument, Conflict."""
    if command.tenant_id is None:
        raise InvalidDocument("tenant: must be named, a key belongs to one tenant")
    if command.expires_at <= work.now:
        raise InvalidDocument("expires_at: must be in the future")
    may_grant(work.actor, command.roles)
    await refuse_unserved(work, command.tenant_id)
    await refuse_too_many(work, work.unit.api_keys, command.tenant_id, MOST_KEYS, "API keys")
    key = ApiKey.from_entropy(work.entropy(KEY_BYTES))
    item = ApiKeyDTO(
        id=work.new_id(),
        created_at=work.now,
        updated_at=work.now,
        hash=key.hash,
        prefix=key.prefix,
        tenant_id=command.tenant_id,
        user_id=command.user_id,
        name=command.name,
        roles=command.roles,
        expires_at=command.expires_at,
    )
    await work.unit.api_keys.add(item)
    work.noted(command.action, f"key/{item.prefix}", item.tenant_id, None, item)
    work.happened(
        (ApiKeyIssued(occurred_at=work.now, tenant_id=item.tenant_id, key_id=item.id, prefix=item.prefix),)
    )
    work.changed(ChangeKind.API_KEY, item.id, item.hash)
    return IssuedKey(item, key)


async def revoke_api_key(command: RevokeApiKeyCommand, work: Work) -> None:
    """Raises ResourceNotFound, PreconditionFailed."""
    found = await work.unit.api_keys.get(command.key_id)
    if found is None:
        raise ResourceNotFound("there is no such key")
    if found.revoked_at is not None:
        return
    check_version(found.version, command.expected)
    item = replace(found, revoked_at=work.now, version=found.version + 1, updated_at=work.now)
    await work.unit.api_keys.save(item, found.version)
    work.noted(command.action, f"key/{item.prefix}", item.tenant_id, found, item)
    work.happened(
        (ApiKeyRevoked(occurred_at=work.now, tenant_id=item.tenant_id, key_id=item.id, prefix=item.prefix),)
    )
    work.changed(ChangeKind.API_KEY, item.id, item.hash)
