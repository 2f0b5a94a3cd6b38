"""What each process finds in its environment: no more than it needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.layout import PLATFORM_DIR, LaunchError, Layout
from launcher.ports import HOST
from launcher.secrets_file import read_or_make
from launcher.upstreams import Upstream

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "ALLOWED_HOSTS")
TO_THE_ISSUER = ("JWT_ISSUER", "JWT_AUDIENCE", "ACCESS_TOKEN_SECONDS", "REFRESH_TOKEN_SECONDS")
DEMO_PASSWORD = "brain-demo"  # of accounts/content/users.toml and of Wagtail's editor; public on purpose
SECRET_BYTES = 32  # RFC 7518 section 3.2, for HS256


@dataclass(frozen=True, slots=True)
class Variables:
    """Makes the environment of the services and of the gateway from the launcher's own."""

    environ: Mapping[str, str]
    layout: Layout
    jwt_secret: str
    django_secret: str
    algorithm: str

    @classmethod
    def read(cls, environ: Mapping[str, str], layout: Layout) -> "Variables":
        """Take secrets from the environment or from their files; LaunchError for what cannot be."""
        jwt_secret = environ.get("JWT_SECRET") or read_or_make(layout.gateway_data / "jwt-secret")
        if len(jwt_secret.encode()) < SECRET_BYTES:
            raise LaunchError(f"JWT_SECRET needs at least {SECRET_BYTES} bytes; unset it to have one made")
        algorithm = environ.get("JWT_ALGORITHM") or "HS256"
        if algorithm not in {"HS256", "RS256"}:
            raise LaunchError(f"JWT_ALGORITHM is {algorithm!r}: choose HS256 (default) or RS256")
        django_secret = read_or_make(layout.data / "django-secret")
        return cls(environ, layout, jwt_secret, django_secret, algorithm)

    def of_service(self, upstream: Upstream, data: Path, port: int) -> dict[str, str]:
        """A service's environment, with its data in this directory."""
        own = {
            "PYTHONPATH": str(PLATFORM_DIR),
            "PYTHONUNBUFFERED": "1",
            "PLATFORM_DATA": str(data),
            "PLATFORM_URL": f"http://{HOST}:{port}",
            "DJANGO_SECRET_KEY": self.django_secret,
            "CMS_EDITOR_PASSWORD": DEMO_PASSWORD,
        }
        if upstream.shares_secret:
            own |= {"JWT_SECRET": self.jwt_secret, "JWT_ALGORITHM": self.algorithm}
            own |= self._present(TO_THE_ISSUER)
        return self._present(PASSED_ON) | own

    def of_gateway(self, ports: Mapping[str, int]) -> dict[str, str]:
        """The gateway's environment: ours, with the secret and where the services are (VARIABLE -> port)."""
        urls = {f"{variable}_URL": f"http://{HOST}:{port}" for variable, port in ports.items()}
        own = {"JWT_SECRET": self.jwt_secret, "BRAIN_GATEWAY_DATA_DIR": str(self.layout.gateway_data)}
        if self.algorithm == "RS256" and "AUTH" in ports:
            jwks = f"{urls['AUTH_URL']}/.well-known/jwks.json"
            own["JWT_JWKS_URL"] = self.environ.get("JWT_JWKS_URL") or jwks
        return {**self.environ, "PYTHONUNBUFFERED": "1", **urls, **own}

    def port_of(self, upstream: Upstream) -> int:
        """The port that is wanted for a service: VARIABLE_PORT, or the table's."""
        return read_port(self.environ, f"{upstream.variable}_PORT", upstream.port)

    def _present(self, names: tuple[str, ...]) -> dict[str, str]:
        return {name: self.environ[name] for name in names if name in self.environ}


def read_port(environ: Mapping[str, str], name: str, default: int) -> int:
    """A port from the environment; LaunchError when it is none."""
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise LaunchError(f"{name} is {text!r}: give a port from 1 to 65535")
    return int(text)
