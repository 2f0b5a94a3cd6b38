"""Refusals as answers."""

from typing import Any

from django.db import IntegrityError
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import exception_handler


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an error into a response; None (a 500) for what nobody foresaw.

    Two requests that add the same address at once both pass the serializer; the database refuses the second.
    """
    if isinstance(error, IntegrityError):
        return Response({"detail": "There is such a row already."}, status=status.HTTP_409_CONFLICT)
    return exception_handler(error, context)
