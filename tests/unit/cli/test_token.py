"""`brain-gateway token`: a token that a development gateway accepts, and only that."""

from __future__ import annotations

import time

import jwt
import pytest

from brain_gateway.infrastructure.identity.development import DEMO_TENANT_ID
from brain_gateway.settings import Settings, with_development_secret

SECRET = "kT8zQ1vR5xW9cB3nM7pL2sD6fG0hJ4yA"
OTHER = "11111111-2222-4333-8444-555555555555"


def claims(token: str, secret: str = SECRET, **options: str) -> dict[str, object]:
    return jwt.decode(token.strip(), secret, algorithms=["HS256"], **options)


def test_the_demo_token(run):
    result = run("token", JWT_SECRET=SECRET)
    found = claims(result.stdout)
    assert (found["sub"], found["tenant_id"], found["roles"]) == ("demo", DEMO_TENANT_ID, ["client"])
    assert found["exp"] - found["iat"] == 12 * 3600
    assert abs(found["iat"] - time.time()) < 3600
    assert result.stderr == ""


def test_options(run):
    options = (
        "--tenant",
        OTHER.upper(),
        "--user",
        "ann",
        "--role",
        "manager",
        "--role",
        "client",
        "--expires",
        "90s",
    )
    found = claims(run("token", *options, JWT_SECRET=SECRET).stdout)
    assert (found["sub"], found["tenant_id"], found["roles"]) == ("ann", OTHER, ["client", "manager"])
    assert found["exp"] - found["iat"] == 90


def test_it_is_signed_with_the_secret_of_the_data_directory(run, tmp_path):
    token = run("token", BRAIN_GATEWAY_DATA_DIR=str(tmp_path / "data")).stdout
    secret = with_development_secret(Settings(data_dir=tmp_path / "data")).jwt_secret
    assert claims(token, secret.get_secret_value())["sub"] == "demo"


def test_issuer_and_audience_follow_the_settings(run):
    token = run("token", JWT_SECRET=SECRET, JWT_ISSUER="me", JWT_AUDIENCE="you").stdout
    assert claims(token, issuer="me", audience="you")["iss"] == "me"


def test_each_token_can_be_revoked_alone(run):
    first, second = (claims(run("token", JWT_SECRET=SECRET).stdout)["jti"] for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        ((), {"BRAIN_GATEWAY_PROFILE": "production", "JWT_SECRET": SECRET}, "minted in development only"),
        (("--tenant", "acme"), {}, "--tenant acme: must be a UUID"),
        (("--expires", "soon"), {}, "--expires soon: must be a duration"),
        (("--expires", "0"), {}, "--expires 0: must be at least 1 second"),
        ((), {"JWT_ALGORITHMS": "ES256"}, "JWT_ALGORITHMS=ES256: must contain HS256"),
        ((), {"JWT_CLAIM_USER": "uid"}, "JWT_CLAIM_USER=uid: must contain sub, which minted tokens use"),
        ((), {"LOG_LEVEL": "loud"}, "LOG_LEVEL=loud: must be"),
    ],
)
def test_refused(run, arguments, environ, said):
    result = run("token", *arguments, **environ)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
