"""How a call proves to a third party whose it is: the schemes, and which credentials each of them takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class AuthScheme(StrEnum):
    """One module each in the connector."""

    NONE = "none"
    BEARER = "bearer"
    BASIC = "basic"
    API_KEY_HEADER = "api_key_header"
    API_KEY_QUERY = "api_key_query"
    OAUTH2_CLIENT_CREDENTIALS = "oauth2_client_credentials"
    OAUTH2_REFRESH_TOKEN = "oauth2_refresh_token"
    OAUTH1 = "oauth1"
    AWS_SIGV4 = "aws_sigv4"
    REQUEST_HASH = "request_hash"


class SchemeRules(NamedTuple):
    """What a scheme asks for: `parts` are played by credential fields, `settings` are texts of the catalogue.

    Of each, first those that are needed, then those that may be there.
    """

    parts: tuple[str, ...] = ()
    more_parts: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    more_settings: tuple[str, ...] = ()


SCHEMES: Final[Mapping[AuthScheme, SchemeRules]] = MappingProxyType(
    {
        AuthScheme.NONE: SchemeRules(),
        # app_secret: the call also carries appsecret_proof, an HMAC of the token (Graph API, secure requests)
        AuthScheme.BEARER: SchemeRules(("token",), ("app_secret",)),
        AuthScheme.BASIC: SchemeRules(("password",), ("username",)),
        AuthScheme.API_KEY_HEADER: SchemeRules(("key",), settings=("header",), more_settings=("prefix",)),
        AuthScheme.API_KEY_QUERY: SchemeRules(("key",), settings=("parameter",)),
        AuthScheme.OAUTH2_CLIENT_CREDENTIALS: SchemeRules(
            ("client_id", "client_secret"), settings=("token_url",), more_settings=("header", "scope")
        ),
        AuthScheme.OAUTH2_REFRESH_TOKEN: SchemeRules(
            ("client_id", "client_secret", "refresh_token"),
            settings=("token_url",),
            more_settings=("header",),
        ),
        AuthScheme.OAUTH1: SchemeRules(
            ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
        ),
        AuthScheme.AWS_SIGV4: SchemeRules(("access_key", "secret_key"), settings=("service", "region")),
        AuthScheme.REQUEST_HASH: SchemeRules(("key", "salt"), settings=("algorithm",)),
    }
)


def nothing() -> Mapping[str, str]:
    """An empty mapping that stays so."""
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Authentication:
    """A scheme with what it needs. `uses`: which credential field plays which part, where the names differ."""

    scheme: AuthScheme
    uses: Mapping[str, str] = field(default_factory=nothing)
    settings: Mapping[str, str] = field(default_factory=nothing)

    def parts(self) -> dict[str, str]:
        """Part to credential field: the needed parts, and what else `uses` names."""
        needed = {part: self.uses.get(part, part) for part in SCHEMES[self.scheme].parts}
        return {**needed, **self.uses}

    def faults(self, fields: Set[str]) -> Iterator[tuple[str, str]]:
        """What does not fit together when the credentials have `fields`: key at fault, and what to do."""
        rules = SCHEMES[self.scheme]
        for part in self.uses:
            if part not in rules.parts + rules.more_parts:
                yield part, f"is no part of {self.scheme}{_known(rules.parts + rules.more_parts)}"
        for part, name in self.parts().items():
            if name not in fields:
                yield part, f"needs a credential field, and there is no {name}"
        for key in self.settings:
            if key not in rules.settings + rules.more_settings:
                yield key, f"does not belong to {self.scheme}{_known(rules.settings + rules.more_settings)}"
        for key in rules.settings:
            if key not in self.settings:
                yield key, f"is missing: {self.scheme} needs it"


NO_AUTHENTICATION: Final = Authentication(AuthScheme.NONE)


def _known(names: tuple[str, ...]) -> str:
    return f", which has {', '.join(names)}" if names else ""
