"""The HTTP face: `uvicorn --factory accounts.app:create_app`."""

import sqlite3
import time
from typing import Annotated, Any

import jwt
from fastapi import APIRouter, FastAPI, Header, HTTPException, Request, Response, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from accounts.messages import LoginRequest, RefreshRequest, RegisterRequest, TokenResponse, UserResponse
from accounts.sessions import EmailTakenError, RefusedError, Sessions
from accounts.settings import Settings
from accounts.store import Store
from accounts.tokens import TokenIssuer

router = APIRouter(prefix="/api/v1/auth")


def create_app() -> FastAPI:
    """Build the application from the environment."""
    settings = Settings.read()
    app = FastAPI(title="Platform auth service", redirect_slashes=False)
    app.state.store = Store(settings.data_dir / "db.sqlite3")
    app.state.issuer = TokenIssuer(settings)
    app.state.sessions = Sessions(settings, app.state.store, app.state.issuer, time.time)
    app.include_router(router)
    app.add_exception_handler(RequestValidationError, _explain)
    app.add_api_route("/health", health)
    app.add_api_route("/.well-known/jwks.json", jwks)
    return app


# Plain functions: FastAPI runs them in its threads, where hashing a password holds nobody up.


@router.post("/login")
def login(body: LoginRequest, request: Request, response: Response) -> TokenResponse:
    """Sign in with an address and a password."""
    sessions: Sessions = request.app.state.sessions
    return _answer(response, sessions.login, body.email, body.password)


@router.post("/register", status_code=status.HTTP_201_CREATED)
def register(body: RegisterRequest, request: Request, response: Response) -> TokenResponse:
    """Open an account and, with it, a tenant."""
    sessions: Sessions = request.app.state.sessions
    try:
        return _answer(response, sessions.register, body.email, body.password, body.name, body.organisation)
    except EmailTakenError:
        detail = "There is an account with this address."
        raise HTTPException(status.HTTP_409_CONFLICT, detail) from None


@router.post("/refresh")
def refresh(body: RefreshRequest, request: Request, response: Response) -> TokenResponse:
    """Exchange a refresh token, once, for new tokens."""
    sessions: Sessions = request.app.state.sessions
    return _answer(response, sessions.refresh, body.refresh_token)


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT)
def logout(body: RefreshRequest, request: Request) -> None:
    """End a sign-in; the access token runs out by itself."""
    request.app.state.sessions.logout(body.refresh_token)


@router.get("/me")
def me(
    request: Request,
    authorization: Annotated[str | None, Header()] = None,
    x_user_id: Annotated[str | None, Header()] = None,
) -> UserResponse:
    """Who the caller is: by the bearer token when it is there, else as the gateway says."""
    user_id = x_user_id
    if authorization and authorization.lower().startswith("bearer "):
        try:
            user_id = request.app.state.issuer.subject(authorization[7:].strip())
        except jwt.InvalidTokenError as error:
            if x_user_id is None:  # a token of another issuer that the gateway accepts is the gateway's word
                raise _unauthorized(str(error)) from None
    if not user_id:
        raise _unauthorized("Nobody is signed in.")
    with request.app.state.store.begin() as rows:
        user = rows.user_by("id", user_id)
        if user is None:
            raise HTTPException(status.HTTP_404_NOT_FOUND, "This caller has no account here.")
        return UserResponse.of(user, rows.tenant_name(user.tenant_id))


@router.get("/jwks")
def jwks(request: Request) -> dict[str, Any]:
    """The public keys (RFC 7517); none with HS256, whose secret is shared another way."""
    keys: dict[str, Any] = request.app.state.issuer.jwks
    return keys


@router.get("/health")
def health(request: Request, response: Response) -> dict[str, str]:
    """Answer 200 when the database answers, 503 when it does not."""
    try:
        with request.app.state.store.begin() as rows:
            rows.check()
    except sqlite3.Error:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        return {"status": "down", "service": "auth-service"}
    return {"status": "ok", "service": "auth-service"}


def _answer(response: Response, use_case: Any, *arguments: str) -> TokenResponse:
    try:
        tokens = use_case(*arguments)
    except RefusedError as refusal:
        raise _unauthorized(str(refusal)) from None
    response.headers["Cache-Control"] = "no-store"  # RFC 6749 section 5.1
    return TokenResponse.of(tokens)


def _explain(request: Request, error: Exception) -> JSONResponse:
    """Say which field is wrong and why, without the value: it may be a password."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    detail = [{"field": ".".join(map(str, fault["loc"][1:])), "message": fault["msg"]} for fault in faults]
    return JSONResponse({"detail": detail}, status.HTTP_422_UNPROCESSABLE_CONTENT)


def _unauthorized(detail: str) -> HTTPException:
    return HTTPException(status.HTTP_401_UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})
