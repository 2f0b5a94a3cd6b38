"""What a setting says about itself, and how its value is shown."""

from __future__ import annotations

from brain_gateway.settings import Settings
from brain_gateway.settings.documentation import describe_settings, shown_value


def shown(variable: str, settings: Settings) -> str:
    about = next(about for about in describe_settings() if about.variable == variable)
    return shown_value(about, settings)


def test_every_setting_describes_itself():
    for about in describe_settings():
        assert about.description.endswith("."), about.variable
        assert about.default, about.variable
        assert about.allowed, about.variable
        assert about.group, about.variable


def test_numbers_have_units_or_count_themselves():
    plain = {"BRAIN_GATEWAY_PORT", "BRAIN_GATEWAY_WORKERS", "ACCESS_LOG_SAMPLE"}
    for about in describe_settings():
        if about.default.replace(".", "").isdigit() and about.variable not in plain:
            assert about.unit, about.variable


def test_attributes_are_named_after_their_variables():
    for about in describe_settings():
        assert about.variable.removeprefix("BRAIN_GATEWAY_").lower() == about.attribute


def test_secrets_are_masked():
    settings = Settings(jwt_secret="hush", redis_url="redis://:hush@h/0")
    assert shown("JWT_SECRET", settings) == "****"
    assert shown("REDIS_URL", settings) == "redis://:****@h/0"
    assert shown("VAULT_TOKEN", settings) == ""


def test_values_are_shown_as_they_would_be_written():
    settings = Settings(trusted_proxies="10.0.0.0/8,::1", access_log=False, header_timeout="500ms")
    assert shown("TRUSTED_PROXIES", settings) == "10.0.0.0/8,::1/128"
    assert shown("ACCESS_LOG", settings) == "false"
    assert shown("HEADER_TIMEOUT", settings) == "0.5"
    assert shown("BRAIN_GATEWAY_PROFILE", settings) == "development"
