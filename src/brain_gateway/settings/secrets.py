"""Where secrets are kept: Vault, or an encrypted file."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from brain_gateway.settings.fields import Group, Seconds, WebAddress, pieces, setting

KEY_BYTES = 32
_SEGMENTS = r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*"
_TEMPLATE = r"^(?:[A-Za-z0-9._-]+/)*[A-Za-z0-9._-]*\{tenant\}[A-Za-z0-9._-]*(?:/[A-Za-z0-9._-]+)*/\{name\}$"


def keys_of(secret: SecretStr) -> tuple[bytes, ...]:
    """The keys of a comma list, in order; raises ValueError, which shows none of them."""
    texts = pieces(secret.get_secret_value())
    assert isinstance(texts, tuple)  # of a text there always are
    keys = tuple(_key(text) for text in texts)
    if not keys:
        raise ValueError("there is no key in it")
    return keys


def _key(text: str) -> bytes:
    try:
        key = b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (NotBase64, ValueError):
        raise ValueError("a key is not in base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {len(key)} bytes, not {KEY_BYTES}")
    return key


def _checked_keys(secret: SecretStr) -> SecretStr:
    keys_of(secret)
    return secret


def _checked_token(secret: SecretStr) -> SecretStr:
    """As a header can carry it (RFC 9110 section 5.5)."""
    text = secret.get_secret_value()
    if not text.isascii() or not text.isprintable():
        raise ValueError("it holds characters that no token has")
    return secret


Token = Annotated[SecretStr, AfterValidator(_checked_token)]
KeyList = Annotated[SecretStr, AfterValidator(_checked_keys)]


class SecretsSettings(Group):
    """Secrets: Vault or OpenBao, or an encrypted file of the data directory."""

    secrets_key: KeyList | None = setting(
        "SECRETS_KEY",
        None,
        "Keys of the secrets file (without VAULT_ADDR): the first encrypts, all decrypt. To replace a key, put the "
        "new one first and run `brain-gateway secrets rotate`. The development profile makes one when it is unset.",
        "a comma list of keys of 32 bytes in base64, such as `openssl rand -base64 32` prints",
        shown="unset; in development random, once per data directory",
    )
    vault_addr: WebAddress | None = setting(
        "VAULT_ADDR",
        None,
        "Address of Vault or OpenBao. Unset: secrets are kept in an encrypted file of the data directory.",
        "an http or https URL",
    )
    vault_token: Token | None = setting(
        "VAULT_TOKEN", None, "Token that the gateway shows to Vault.", "a token that Vault issued"
    )
    vault_role_id: str | None = setting(
        "VAULT_ROLE_ID",
        None,
        "Role by which the gateway logs in to Vault (AppRole); VAULT_TOKEN is not used then.",
        "a role id of AppRole",
    )
    vault_secret_id: SecretStr | None = setting(
        "VAULT_SECRET_ID", None, "Secret id of that role.", "a secret id of AppRole"
    )
    vault_namespace: str | None = setting(
        "VAULT_NAMESPACE",
        None,
        "Namespace in Vault that holds engine, policies and role. Unset: the root namespace.",
        "names with slashes between them",
        pattern=rf"^{_SEGMENTS}/?$",
    )
    vault_kv_mount: str = setting(
        "VAULT_KV_MOUNT",
        "secret",
        "Key-value engine of version 2 that holds the secrets.",
        "names with slashes between them",
        pattern=rf"^{_SEGMENTS}$",
    )
    vault_path_template: str = setting(
        "VAULT_PATH_TEMPLATE",
        "brain-gateway/{tenant}/{name}",
        "Where in the engine a secret is: {tenant} is the tenant's id, or `platform` for the gateway's own.",
        "a path that holds {tenant} once and ends in /{name}",
        pattern=_TEMPLATE,
    )
    vault_ca_file: Path | None = setting(
        "VAULT_CA_FILE",
        None,
        "Certificates (PEM) by which Vault's own is checked. Unset: those of the system.",
        "the path of a file",
    )
    vault_timeout: Seconds = setting(
        "VAULT_TIMEOUT",
        3.0,
        "Longest time that a call to Vault takes.",
        "a duration from 100ms to 1m, such as 3 or 3s",
        "seconds",
        ge=0.1,
        le=60,
    )
    vault_cache_time: Seconds = setting(
        "VAULT_CACHE_TIME",
        5.0,
        "How long a secret that was read is not asked for again, in one process.",
        "a duration from 0 to 1h, such as 5 or 5s",
        "seconds",
        ge=0,
        le=3600,
    )
    vault_stale_time: Seconds = setting(
        "VAULT_STALE_TIME",
        600.0,
        "How long a secret that was read serves while Vault is sealed or away; 0: not at all.",
        "a duration from 0 to 1d, such as 600 or 10m",
        "seconds",
        ge=0,
        le=86400,
    )
