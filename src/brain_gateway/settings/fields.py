"""What each setting says about itself, and the types that read an environment variable's text."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic.config import JsonDict
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from brain_gateway.settings.addresses import checked_socket, checked_url
from brain_gateway.settings.durations import parse_duration
from brain_gateway.settings.references import is_reference, without_references

Network: TypeAlias = IPv4Network | IPv6Network


class Profile(StrEnum):
    """How strict the start is: development stays on loopback, production refuses unsafe values."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Group(BaseSettings):
    """Base of the groups: immutable, variables by their exact names, an empty variable counts as unset."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        case_sensitive=True,
        env_ignore_empty=True,
        populate_by_name=True,
        str_strip_whitespace=True,
        allow_inf_nan=False,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed: the environment is read by `load_settings` alone."""
        return (init_settings,)


def setting(
    variable: str,
    default: object,
    description: str,
    allowed: str,
    unit: str = "",
    shown: str = "",
    **bounds: float | str,
) -> Any:  # noqa: ANN401 - like pydantic's Field, whose value stands for a field of any type
    """A field read from `variable`.

    `allowed` completes the sentence "must be ..." in faults and in docs/settings.md; `unit` is what a number
    counts; `shown` documents a default that is made at the start; `bounds` are pydantic's (ge, le).
    A callable `default` is a factory over the values read so far.
    """
    about: JsonDict = {"allowed": allowed, "unit": unit, "shown": shown}
    options: dict[str, Any] = {"default_factory" if callable(default) else "default": default, **bounds}
    return Field(alias=variable, description=description, json_schema_extra=about, **options)


def pieces(value: object) -> object:
    """A comma list as its parts, spaces and empty parts dropped; what is not text passes unchanged."""
    if isinstance(value, str):
        return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)
    return value


def _network(value: object) -> object:
    """One CIDR range; a bare address is a range of one. Raises ValueError for host bits beyond the mask."""
    return ip_network(value) if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _url(*schemes: str) -> Callable[[str], str]:
    return lambda text: checked_url(text, schemes)


def _secret_url(*schemes: str) -> Callable[[SecretStr], SecretStr]:
    def check(secret: SecretStr) -> SecretStr:
        text = secret.get_secret_value()
        if not is_reference(text):
            checked_url(without_references(text), schemes)
        return secret

    return check


Seconds = Annotated[float, BeforeValidator(parse_duration)]
LowerCase = BeforeValidator(_lower)
CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(pieces)]
NetworkList = Annotated[
    tuple[Annotated[Network, BeforeValidator(_network)], ...], NoDecode, BeforeValidator(pieces)
]
WebAddress = Annotated[str, AfterValidator(_url("http", "https"))]
SocketAddress = Annotated[str, AfterValidator(checked_socket)]
DatabaseAddress = Annotated[
    SecretStr,
    AfterValidator(
        _secret_url(
            "sqlite",
            "sqlite+aiosqlite",
            "postgres",
            "postgresql",
            "postgresql+asyncpg",
            "postgresql+psycopg",
        )
    ),
]
RedisAddress = Annotated[
    SecretStr, AfterValidator(_secret_url("redis", "rediss", "valkey", "valkeys", "unix"))
]
