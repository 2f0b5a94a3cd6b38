"""Where everything is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PLATFORM_DIR = Path(__file__).resolve().parents[1]
REPOSITORY = PLATFORM_DIR.parents[1]


class LaunchError(Exception):
    """Something keeps the platform from starting; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The directories that the launcher writes into."""

    gateway_data: Path  # the gateway's own data, and the secret that it shares with the auth service
    data: Path  # the services' databases, stamps, logs
    venv: Path  # the services' virtual environment

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Below the repository, or where BRAIN_GATEWAY_DATA_DIR, PLATFORM_DATA_DIR and PLATFORM_VENV say."""
        gateway_data = Path(environ.get("BRAIN_GATEWAY_DATA_DIR") or REPOSITORY / ".brain-gateway")
        return cls(
            gateway_data=gateway_data.absolute(),
            data=Path(environ.get("PLATFORM_DATA_DIR") or gateway_data / "platform").absolute(),
            venv=Path(environ.get("PLATFORM_VENV") or REPOSITORY / ".venv-platform").absolute(),
        )

    @property
    def python(self) -> Path:
        """The services' interpreter."""
        return self.venv / "bin" / "python"

    @property
    def requirements(self) -> Path:
        """The pinned distributions that the services need."""
        return PLATFORM_DIR / "requirements.txt"

    def log(self, name: str) -> Path:
        """Where a process writes what it has to say."""
        return self.data / "logs" / f"{name}.log"

    def make_directories(self) -> None:
        """Make what is missing, for the owner only: logs and databases hold credentials."""
        for directory in (self.gateway_data, self.data, self.data / "logs"):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
