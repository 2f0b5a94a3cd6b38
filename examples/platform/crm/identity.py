"""Who is calling: what the gateway verified and wrote into three headers, and nothing else.

The gateway drops these headers from what a client sends and writes its own, so this service, which listens
where only the gateway reaches it, takes them at their word.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission

if TYPE_CHECKING:  # the framework loads this module while it loads its own views
    from rest_framework.request import Request
    from rest_framework.views import APIView

MAY_DELETE = frozenset({"manager", "tenant_admin", "super_admin"})


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or a program acting for one tenant."""

    tenant_id: uuid.UUID
    user_id: str
    roles: frozenset[str]
    is_authenticated: bool = True


class GatewayIdentity(BaseAuthentication):
    """Read X-Tenant-ID (a UUID), X-User-ID and X-User-Roles (separated by commas or spaces)."""

    def authenticate(self, request: Request) -> tuple[Caller, None]:
        """Return the caller; 403 when X-Tenant-ID is missing or is no UUID."""
        tenant = request.headers.get("X-Tenant-ID")
        if not tenant:
            raise PermissionDenied("No X-Tenant-ID: this service answers the gateway only, which sets it.")
        try:
            tenant_id = uuid.UUID(tenant)
        except ValueError:
            raise PermissionDenied("X-Tenant-ID is not a UUID.") from None
        roles = frozenset(filter(None, re.split(r"[,\s]+", request.headers.get("X-User-Roles", ""))))
        return Caller(tenant_id, request.headers.get("X-User-ID", ""), roles), None


class OfATenant(BasePermission):
    """Whoever acts for a tenant reads and writes; deleting takes a manager or an administrator."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether this caller may use this method; the refusal says what is missing."""
        if request.method == "DELETE" and not request.user.roles & MAY_DELETE:
            self.message = f"Deleting takes one of the roles {', '.join(sorted(MAY_DELETE))}."
            return False
        return True
