"""Is this service able to answer? It is when its database is."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse


def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers, 503 when it does not."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "down", "service": "wagtail-cms"}, status=503)
    return JsonResponse({"status": "ok", "service": "wagtail-cms"})
