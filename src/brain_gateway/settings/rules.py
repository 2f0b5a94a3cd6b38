"""Rules over several settings: what a profile refuses, what it warns of, and why. One table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from brain_gateway.settings import findings
from brain_gateway.settings.fields import Profile
from brain_gateway.settings.model import Settings


class Severity(StrEnum):
    """REFUSE stops the start; WARN is said once at the start."""

    REFUSE = "refuse"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Rule:
    """`find` returns what is wrong, a line for each fault (the variable and the remedy), or None.

    `variables` are what it looks at: a rule is left out while one of them cannot be read.
    """

    profiles: frozenset[Profile]
    severity: Severity
    variables: tuple[str, ...]
    find: Callable[[Settings], str | None]
    reason: str

    @property
    def depends_on(self) -> frozenset[str]:
        """The variables that must be readable for this rule to be judged."""
        profile = () if len(self.profiles) == len(Profile) else ("BRAIN_GATEWAY_PROFILE",)
        return frozenset((*self.variables, *profile))


_ANY = frozenset(Profile)
_DEVELOPMENT = frozenset({Profile.DEVELOPMENT})
_PRODUCTION = frozenset({Profile.PRODUCTION})
_REFUSE, _WARN = Severity.REFUSE, Severity.WARN

RULES: tuple[Rule, ...] = (
    Rule(
        _ANY,
        _REFUSE,
        ("TLS_CERT_FILE", "TLS_KEY_FILE"),
        findings.half_a_key_pair,
        "A certificate without its key cannot serve, and falling back to clear text would go unnoticed.",
    ),
    Rule(
        _ANY,
        _REFUSE,
        ("BRAIN_GATEWAY_CONFIG", "TLS_CERT_FILE", "TLS_KEY_FILE", "VAULT_CA_FILE"),
        findings.missing_file,
        "A file that is named and absent is a mistake of deployment; starting without it hides the mistake.",
    ),
    Rule(
        _ANY,
        _REFUSE,
        ("JWT_ALGORITHMS", "JWT_SECRET", "JWT_JWKS_URL"),
        findings.algorithms_without_key,
        "With no key for any accepted algorithm, every token would be refused.",
    ),
    Rule(
        _ANY,
        _REFUSE,
        ("JWKS_REFRESH_INTERVAL", "JWKS_MIN_REFETCH"),
        findings.refresh_before_refetch,
        "Keys would be fetched on schedule more often than an unknown key id may cause it.",
    ),
    Rule(
        _DEVELOPMENT,
        _REFUSE,
        ("BRAIN_GATEWAY_HOST",),
        findings.development_on_the_network,
        "Development prints a token and an API key: no other machine may reach what they open.",
    ),
    Rule(
        _PRODUCTION,
        _REFUSE,
        ("JWT_SECRET", "JWT_JWKS_URL"),
        findings.no_key_at_all,
        "Without a key nobody can be identified, and a secret made up at the start would differ per process.",
    ),
    Rule(
        _PRODUCTION,
        _REFUSE,
        ("JWT_SECRET",),
        findings.short_secret,
        "HS256 needs a key as long as its hash, 32 bytes (RFC 7518 section 3.2); shorter ones are guessed.",
    ),
    Rule(
        _PRODUCTION,
        _REFUSE,
        ("JWT_SECRET",),
        findings.well_known_secret,
        "Secrets from tutorials and repeated characters are the first that are tried.",
    ),
    Rule(
        _PRODUCTION,
        _REFUSE,
        ("JWT_JWKS_URL",),
        findings.keys_in_clear,
        "Whoever can change the keys on their way can sign any token.",
    ),
    Rule(
        _PRODUCTION,
        _REFUSE,
        ("TRUSTED_PROXIES",),
        findings.everyone_is_a_proxy,
        "With every address trusted, each client chooses its address and its limit.",
    ),
    Rule(
        _ANY,
        _REFUSE,
        ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_ROLE_ID", "VAULT_SECRET_ID"),
        findings.vault_credentials,
        "Without a way into Vault every use of a secret would fail, later and elsewhere.",
    ),
    Rule(
        _PRODUCTION,
        _REFUSE,
        ("VAULT_TOKEN",),
        findings.well_known_vault_token,
        "Those are the root tokens of development servers.",
    ),
    Rule(
        _PRODUCTION,
        _WARN,
        ("VAULT_ADDR",),
        findings.vault_in_clear,
        "The token and every secret travel readable.",
    ),
    Rule(
        _PRODUCTION,
        _WARN,
        ("LOG_LEVEL",),
        findings.debug_log,
        "Debug lines name paths and identities of callers, and cost time on each request.",
    ),
    Rule(
        _PRODUCTION,
        _WARN,
        ("JWT_JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE"),
        findings.tokens_for_others,
        "An issuer signs for many applications: unchecked, a token meant for another one opens this one.",
    ),
    Rule(
        _PRODUCTION,
        _WARN,
        ("METRICS_TOKEN",),
        findings.public_metrics,
        "Metrics tell names of services and their traffic to everyone who reaches the port.",
    ),
)


def refusals(settings: Settings) -> Iterator[tuple[Rule, str]]:
    """The rules that stop the start, each with what it found."""
    return _found(settings, Severity.REFUSE)


def warnings(settings: Settings) -> tuple[str, ...]:
    """What is allowed but should be said once at the start."""
    return tuple(text for _, text in _found(settings, Severity.WARN))


def _found(settings: Settings, severity: Severity) -> Iterator[tuple[Rule, str]]:
    for rule in RULES:
        if rule.severity is severity and settings.profile in rule.profiles:
            for line in (rule.find(settings) or "").splitlines():
                yield rule, line
