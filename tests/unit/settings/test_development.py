"""The development secret: made once, kept to oneself, never in production."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from brain_gateway.domain.errors import ConfigurationError
from brain_gateway.settings import Settings, with_development_secret
from brain_gateway.settings.development import SECRET_FILE, SECRETS_KEY_FILE, development_secrets_key


def secret_of(settings: Settings) -> str:
    filled = with_development_secret(settings).jwt_secret
    assert filled is not None
    return filled.get_secret_value()


def test_made_once_and_read_by_all(tmp_path):
    settings = Settings(data_dir=tmp_path / "data")
    first = secret_of(settings)
    assert len(first) >= 64
    assert secret_of(settings) == first
    assert secret_of(Settings(data_dir=tmp_path / "other")) != first


def test_readable_by_its_owner_alone(tmp_path):
    secret_of(Settings(data_dir=tmp_path / "data"))
    assert stat.S_IMODE((tmp_path / "data" / SECRET_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert [path.name for path in (tmp_path / "data").iterdir()] == [SECRET_FILE]


def test_starting_together_agrees_on_one(tmp_path):
    settings = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(secret_of, [settings] * 16))) == 1


def test_a_given_secret_stays(tmp_path):
    assert secret_of(Settings(jwt_secret="given", data_dir=tmp_path)) == "given"
    assert list(tmp_path.iterdir()) == []


def test_never_in_production(tmp_path):
    assert with_development_secret(Settings(profile="production", data_dir=tmp_path)).jwt_secret is None
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_others_may_read_is_refused(tmp_path):
    secret_of(Settings(data_dir=tmp_path))
    (tmp_path / SECRET_FILE).chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        secret_of(Settings(data_dir=tmp_path))


def test_an_empty_secret_is_refused(tmp_path):
    (tmp_path / SECRET_FILE).touch(0o600)
    with pytest.raises(ConfigurationError, match="is empty"):
        secret_of(Settings(data_dir=tmp_path))


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"BRAIN_GATEWAY_DATA_DIR=.*must be writable"):
        secret_of(Settings(data_dir=tmp_path / "file" / "below"))


def test_the_secrets_key_is_made_once_and_is_another(tmp_path):
    settings = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        (key,) = set(pool.map(development_secrets_key, [settings] * 16))
    assert len(key) == 32
    assert stat.S_IMODE((tmp_path / SECRETS_KEY_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["not base64!", "c2hvcnQ="])
def test_a_secrets_key_that_is_none_is_refused(tmp_path, content):
    (tmp_path / SECRETS_KEY_FILE).write_text(content)
    (tmp_path / SECRETS_KEY_FILE).chmod(0o600)
    with pytest.raises(ConfigurationError, match="holds no key of 32 bytes"):
        development_secrets_key(Settings(data_dir=tmp_path))


def test_a_directory_for_the_secrets_key_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"BRAIN_GATEWAY_DATA_DIR=.*or set SECRETS_KEY"):
        development_secrets_key(Settings(data_dir=tmp_path / "file" / "below"))
