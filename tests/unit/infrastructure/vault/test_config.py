"""Where a secret is in Vault."""

from __future__ import annotations

from brain_gateway.domain.secret_path import SecretPath
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.vault.config import VaultConfig

TENANT = "0b0c9f5e-2f6e-4b5d-8c7e-1f2e3d4c5b6a"
CONFIG = VaultConfig(address="https://v", token=Secret("hush-1"), mount="kv", template="a/{tenant}/b/{name}")


def test_paths():
    path = SecretPath(TENANT, "stripe")
    assert CONFIG.data(path) == f"kv/data/a/{TENANT}/b/stripe"
    assert CONFIG.metadata(path) == f"kv/metadata/a/{TENANT}/b/stripe"
    assert CONFIG.folder(TENANT) == f"kv/metadata/a/{TENANT}/b/"
    assert CONFIG.folder(None) == "kv/metadata/a/platform/b/"


def test_a_missing_policy_is_named_without_the_secret():
    assert CONFIG.needed("read", "data") == 'a policy with "read" on kv/data/a/{tenant}/b/{name}'


def test_credentials_are_not_shown():
    shown = repr(VaultConfig(address="https://v", role_id="r", secret_id=Secret("hush-2"))) + repr(CONFIG)
    assert "hush" not in shown
