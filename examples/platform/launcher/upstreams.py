"""The four services: what they are called, where they listen, how they are built and served."""

from dataclasses import dataclass

WSGI_SERVER = ("-m", "waitress", "--listen=127.0.0.1:{port}", "--threads=4", "--ident=")
ASGI_SERVER = ("-m", "uvicorn", "--host=127.0.0.1", "--port={port}", "--no-access-log", "--no-server-header")
# The gateway keeps connections open for the next request; a server that closes them early costs a retry.
KEEP_ALIVE = ("--timeout-keep-alive=75", "--timeout-graceful-shutdown=5")


@dataclass(frozen=True, slots=True)
class Upstream:
    """One service. `serve` and `build` are arguments to the services' Python."""

    name: str  # as the gateway registers it
    package: str  # below examples/platform; also the directory of its data
    variable: str  # VARIABLE_PORT moves it, VARIABLE_URL tells the gateway where it is
    port: int
    serve: tuple[str, ...]
    build: tuple[str, ...]
    sources: tuple[str, ...]  # globs below the package: the database is built anew when one changes
    shares_secret: bool = False  # whether it signs what the gateway verifies

    def serve_at(self, port: int) -> list[str]:
        """The arguments that serve it on this port."""
        return [argument.replace("{port}", str(port)) for argument in self.serve]


UPSTREAMS = (
    Upstream(
        name="auth-service",
        package="accounts",
        variable="AUTH",
        port=8007,
        serve=(*ASGI_SERVER, *KEEP_ALIVE, "--factory", "accounts.app:create_app"),
        build=("-m", "accounts.seed"),
        sources=("store.py", "seed.py", "content/*"),
        shares_secret=True,
    ),
    Upstream(
        name="wagtail-cms",
        package="cms",
        variable="WAGTAIL",
        port=8002,
        serve=(*WSGI_SERVER, "cms.wsgi:application"),
        build=("-m", "cms.build"),
        sources=("migrations/*.py", "management/commands/*.py", "pictures.py", "content/*"),
    ),
    Upstream(
        name="django-crm",
        package="crm",
        variable="CRM",
        port=8003,
        serve=(*WSGI_SERVER, "crm.wsgi:application"),
        build=("-m", "crm.build"),
        sources=("migrations/*.py", "management/commands/*.py", "content/*"),
    ),
    Upstream(
        name="saleor-backend",
        package="shop",
        variable="SHOP",
        port=8000,
        serve=(*ASGI_SERVER, *KEEP_ALIVE, "--factory", "shop.app:create_app"),
        build=("-m", "shop.seed"),
        sources=("models.py", "seed.py", "content/*"),
    ),
)
