"""Pages whose neighbours are named by a relative reference."""

from urllib.parse import urlsplit

from rest_framework.pagination import PageNumberPagination


class RelativePages(PageNumberPagination):
    """`?page=` and `?page_size=` (at most 100); `next` and `previous` are queries such as `?page=2`.

    An absolute address would name this service; the client knows the gateway. RFC 3986 section 5 resolves
    a bare query against whichever address the client used.
    """

    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100

    def get_next_link(self) -> str | None:
        """The next page's query, or None on the last page."""
        return _query(super().get_next_link())

    def get_previous_link(self) -> str | None:
        """The previous page's query, or None on the first page."""
        return _query(super().get_previous_link())


def _query(link: str | None) -> str | None:
    return None if link is None else f"?{urlsplit(link).query}"
