"""One request's way through Django, where it differs from the framework's own."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import is_valid_path


class OptionalTrailingSlash:
    """Serve `/pages` as `/pages/` at once.

    Django's own answer is a redirect to the path as this site knows it, which a client of the gateway
    (who sees `/wagtail-cms/pages`) cannot follow.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.startswith("/api/") and not path.endswith("/") and not is_valid_path(path):
            slashed = f"{path}/"
            if is_valid_path(slashed):
                request.path_info = slashed
        return self.get_response(request)
