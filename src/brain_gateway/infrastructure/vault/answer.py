"""What Vault answers, read with care: whatever answers at VAULT_ADDR may be something else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from brain_gateway.application.ports.secrets import SecretsHealth, SecretsStatus
from brain_gateway.domain.errors import SecretsUnavailable

T = TypeVar("T")


class VaultAwayError(Exception):
    """Vault cannot be used now: how it is, and a sentence that names the remedy and holds no secret. `refused`: it
    answers, and does not take who the gateway says it is."""

    def __init__(
        self, detail: str, status: SecretsStatus = SecretsStatus.UNREACHABLE, *, refused: bool = False
    ) -> None:
        super().__init__(detail)
        self.health = SecretsHealth(status, detail)
        self.refused = refused

    @property
    def unavailable(self) -> SecretsUnavailable:
        """The same, as the port has it."""
        return SecretsUnavailable(self.health.detail, refused=self.refused)


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """Status and JSON of an answer that says something: 2xx, 400, 403, 404, and all of sys/health."""

    status: int
    body: dict[str, Any]

    @property
    def errors(self) -> str:
        """Vault's own words, for comparing only: they may quote what was sent."""
        found = self.body.get("errors")
        return "\n".join(map(str, found)) if isinstance(found, list) else ""

    def section(self, name: str) -> Section:
        """An object in the answer; raises VaultAwayError where Vault would have put one and there is none."""
        return Section(self.body).section(name)


class Section:
    """An object of an answer. Whatever is read from it raises VaultAwayError where it is not what Vault would say."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def section(self, name: str) -> Section:
        """An object in it."""
        return Section(self.values(name))

    def values(self, name: str) -> dict[str, Any]:
        """An object in it, as it is."""
        return self._of(dict, name, None)

    def text(self, name: str) -> str:
        """A text that is not empty."""
        return self._of(str, name, None) or _not_vault()

    def number(self, name: str, default: float | None = None) -> float:
        """A number."""
        found = self._values.get(name, default)
        return float(found) if isinstance(found, int | float) else _not_vault()

    def texts(self, name: str) -> list[str]:
        """A list of texts; none where there is none."""
        found = self._of(list, name, [])
        return found if all(isinstance(one, str) for one in found) else _not_vault()

    def true(self, name: str) -> bool:
        """Whether something is said to be so."""
        return self._values.get(name) is True

    def _of(self, kind: type[T], name: str, default: T | None) -> T:
        found = self._values.get(name, default)
        return found if isinstance(found, kind) else _not_vault()


def _not_vault() -> NoReturn:
    raise VaultAwayError("what answers at VAULT_ADDR is not Vault")
