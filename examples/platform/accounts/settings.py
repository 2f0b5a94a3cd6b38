"""What differs between machines, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HS256_SECRET_BYTES = 32  # RFC 7518 section 3.2: at least the hash's size


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the data is, how tokens are signed, how long they live (seconds)."""

    data_dir: Path
    jwt_secret: str
    jwt_algorithm: str
    issuer: str
    audience: str | None
    access_seconds: int
    refresh_seconds: int

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Return the settings; ValueError names the variable that is missing or wrong."""
        algorithm = environ.get("JWT_ALGORITHM", "HS256")
        if algorithm not in {"HS256", "RS256"}:
            raise ValueError(f"JWT_ALGORITHM is {algorithm!r}: choose HS256 or RS256")
        secret = environ.get("JWT_SECRET", "")
        if algorithm == "HS256" and len(secret.encode()) < HS256_SECRET_BYTES:
            raise ValueError(f"JWT_SECRET needs at least {HS256_SECRET_BYTES} bytes")
        if "PLATFORM_DATA" not in environ:
            raise ValueError("PLATFORM_DATA is not set: name the directory that holds this service's data")
        return cls(
            data_dir=Path(environ["PLATFORM_DATA"]),
            jwt_secret=secret,
            jwt_algorithm=algorithm,
            issuer=environ.get("JWT_ISSUER") or "brain-platform-auth",
            audience=environ.get("JWT_AUDIENCE", "").split(",")[0].strip() or None,
            access_seconds=int(environ.get("ACCESS_TOKEN_SECONDS", "3600")),
            refresh_seconds=int(environ.get("REFRESH_TOKEN_SECONDS", str(14 * 24 * 3600))),
        )
