"""The HTTP and WebSocket face: `uvicorn --factory shop.app:create_app`."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL

from shop.context import ShopContext
from shop.database import Database
from shop.feed import OrderFeed
from shop.schema import schema


class ShopGraphQL(GraphQL[ShopContext, None]):
    """The endpoint; knows for which tenant the gateway lets a request through."""

    def __init__(self, database: Database) -> None:
        # Origins are the gateway's concern (its CORS policy); what arrives here came through it.
        super().__init__(schema, allowed_origins=["*"])
        self._database, self._feed = database, OrderFeed()

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> ShopContext:
        """Read X-Tenant-ID; what is no UUID counts as none."""
        try:
            tenant_id = uuid.UUID(request.headers.get("x-tenant-id", ""))
        except ValueError:
            tenant_id = None
        return ShopContext(self._database, self._feed, tenant_id)


def create_app() -> Starlette:
    """Build the application on the database in PLATFORM_DATA."""
    database = Database(Path(os.environ["PLATFORM_DATA"]))
    graphql = ShopGraphQL(database)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await database.create_tables()
        yield
        await database.close()

    async def health(request: Request) -> JSONResponse:
        """Answer 200 when the database answers, 503 when it does not."""
        try:
            await database.check()
        except SQLAlchemyError:
            return JSONResponse({"status": "down", "service": "saleor-backend"}, status_code=503)
        return JSONResponse({"status": "ok", "service": "saleor-backend"})

    # With and without the slash at the end: a redirect would name a path that the client does not know.
    paths = ("/graphql", "/graphql/")
    routes = [Route("/health", health), Route("/graphql/health", health)]
    routes += [Route(path, graphql) for path in paths]
    return Starlette(routes=[*routes, *(WebSocketRoute(path, graphql) for path in paths)], lifespan=lifespan)
