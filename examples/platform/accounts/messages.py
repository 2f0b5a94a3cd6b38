"""What goes over the wire, in and out."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, EmailStr, Field, StringConstraints

from accounts.sessions import Tokens
from accounts.store import User

Password = Annotated[str, Field(min_length=10, max_length=200, repr=False)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class Message(BaseModel):
    """A body with the fields below and no others."""

    model_config = ConfigDict(extra="forbid")


class LoginRequest(Message):
    """Sign in."""

    email: EmailStr
    password: Annotated[str, Field(max_length=200, repr=False)]


class RegisterRequest(Message):
    """Open an account for a new organisation, which becomes a tenant."""

    email: EmailStr
    password: Password
    name: Name
    organisation: Name


class RefreshRequest(Message):
    """Exchange or end a refresh token."""

    refresh_token: Annotated[str, Field(min_length=20, max_length=200)]


class UserResponse(BaseModel):
    """A person, as others may see them."""

    id: str
    email: str
    name: str
    tenant_id: str
    tenant_name: str | None = None
    roles: list[str]

    @classmethod
    def of(cls, user: User, tenant_name: str | None = None) -> Self:
        """Leave the password's hash out."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            tenant_id=user.tenant_id,
            tenant_name=tenant_name,
            roles=list(user.roles),
        )


class TokenResponse(BaseModel):
    """Tokens, in the shape of RFC 6749 section 5.1."""

    access_token: str
    token_type: str = "Bearer"
    expires_in: int
    refresh_token: str
    user: UserResponse

    @classmethod
    def of(cls, tokens: Tokens) -> Self:
        """The answer for these tokens."""
        return cls(
            access_token=tokens.access_token,
            expires_in=tokens.expires_in,
            refresh_token=tokens.refresh_token,
            user=UserResponse.of(tokens.user),
        )
