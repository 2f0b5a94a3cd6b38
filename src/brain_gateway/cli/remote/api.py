"""The Admin API as the commands call it: one connection, retries where they are safe, pages followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from brain_gateway.cli.remote.exits import ExitCode, Stopped, refusal

if TYPE_CHECKING:
    import httpx

Document = dict[str, Any]
Params = Mapping[str, object]

ROOT: Final = "/api/v1"
_WAITS: Final = (0.2, 1.0)  # seconds before the second and the third attempt
_LONGEST_WAIT: Final = 5.0
_PASSING: Final = frozenset((429, 502, 503, 504))
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Reply:
    """What the gateway answered: the document (None: there is none), and the version of what it shows (an ETag)."""

    document: Any
    etag: str | None = None


class Api:
    """Asks the gateway. Every method raises Stopped for whatever is no success.

    `run`: a word that no other run of a command has; a POST carries it with a number as its Idempotency-Key, so that
    it may be sent again when its answer is lost. Other changes are sent again only where nothing was sent at all.
    """

    def __init__(self, http: httpx.Client, run: str, wait: Callable[[float], None]) -> None:
        self._http = http
        self._run = run
        self._wait = wait
        self._posts = 0

    def get(self, path: str, **params: object) -> Reply:
        """The document at `path` below /api/v1; parameters that are None are left out."""
        return self._ask("GET", path, params=params)

    def post(self, path: str, body: object = None, patience: float = 1.0, **params: object) -> Reply:
        """Something new, or something to be done; `patience`: how many times as long an answer may take as others."""
        self._posts += 1
        once = {"Idempotency-Key": f"{self._run}-{self._posts}"}
        return self._ask("POST", path, body, once, params, patience)

    def put(self, path: str, body: object, etag: str | None = None, **params: object) -> Reply:
        """Something in the place of what is there."""
        return self._ask("PUT", path, body, _if_match(etag), params)

    def patch(self, path: str, body: object, etag: str | None = None, **params: object) -> Reply:
        """Some members of what is there (RFC 7396)."""
        return self._ask("PATCH", path, body, _if_match(etag), params)

    def delete(self, path: str, etag: str | None = None, **params: object) -> Reply:
        """Something less."""
        return self._ask("DELETE", path, None, _if_match(etag), params)

    def pages(self, path: str, **params: object) -> Iterator[Document]:
        """The page at `path` and those that follow it."""
        while True:
            page = self.get(path, **params).document
            yield page
            if not page.get("next"):
                return
            params = {**params, "cursor": page["next"]}

    def items(self, path: str, **params: object) -> Iterator[Document]:
        """Every item of every page."""
        for page in self.pages(path, **{"limit": _PAGE, **params}):
            yield from page["items"]

    @contextmanager
    def stream(
        self, path: str, headers: Mapping[str, str], silence: float | None, **params: object
    ) -> Iterator[Iterator[str]]:
        """The lines of an answer that does not end by itself; with `silence` it is over when so many seconds pass
        without a word."""
        import httpx

        request = self._http.build_request("GET", ROOT + path, params=_given(params), headers=headers)
        response = self._sent(request, repeatable=True, stream=True)
        with closing(response):
            if not response.is_success:
                response.read()
                raise _refused(response)
            if silence is not None:
                request.extensions["timeout"]["read"] = silence
            try:
                yield response.iter_lines()
            except httpx.ReadTimeout as error:
                if silence is None:
                    raise self._unreachable(error) from None
            except httpx.TransportError as error:
                raise self._unreachable(error) from None

    def pause(self, seconds: float) -> None:
        """Before something is asked for again."""
        self._wait(seconds)

    def _ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        patience: float = 1.0,
    ) -> Reply:
        import orjson

        content = None if body is None else orjson.dumps(body)
        kind = {} if body is None else {"Content-Type": _media_type(method)}
        request = self._http.build_request(
            method,
            ROOT + path,
            params=_given(params or {}),
            content=content,
            headers={**kind, **(headers or {})},
        )
        request.extensions["timeout"]["read"] *= patience
        response = self._sent(request, repeatable=method in ("GET", "POST"))
        if not response.is_success:
            raise _refused(response)
        return Reply(_document(response) if response.content else None, response.headers.get("ETag"))

    def _sent(self, request: httpx.Request, repeatable: bool, stream: bool = False) -> httpx.Response:
        """The answer, after at most three attempts."""
        import httpx

        for wait in (*_WAITS, None):
            try:
                response = self._http.send(request, stream=stream)
            except httpx.TransportError as error:
                nothing_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                if wait is None or not (repeatable or nothing_sent):
                    raise self._unreachable(error) from None
                self._wait(wait)
                continue
            if wait is None or not repeatable or response.status_code not in _PASSING:
                break
            response.close()
            self._wait(_asked_to_wait(response, wait))
        return response

    def _unreachable(self, error: httpx.TransportError) -> Stopped:
        """Says what failed by its kind: the error's own text may hold what was sent."""
        import httpx

        url = self._http.base_url
        place = f"{url.scheme}://{url.netloc.decode()}"
        if isinstance(error, httpx.TimeoutException):
            return Stopped(ExitCode.UNREACHABLE, f"{place} did not answer in time; --timeout gives it longer")
        if isinstance(error, httpx.ConnectError):
            return Stopped(
                ExitCode.UNREACHABLE, f"{place} cannot be reached: is the gateway running there (--url)?"
            )
        return Stopped(ExitCode.UNREACHABLE, f"{place} broke off the connection: try again")


def segment(text: str) -> str:
    """`text` as one segment of a path."""
    from urllib.parse import quote

    return quote(text, safe="")


def _if_match(etag: str | None) -> dict[str, str]:
    return {} if etag is None else {"If-Match": etag}


def _media_type(method: str) -> str:
    return "application/merge-patch+json" if method == "PATCH" else "application/json"


def _given(params: Params) -> dict[str, str]:
    return {name: _text(value) for name, value in params.items() if value is not None}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _document(response: httpx.Response) -> Any:  # noqa: ANN401 - whatever JSON holds
    import orjson

    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None


def _refused(response: httpx.Response) -> Stopped:
    return refusal(response.status_code, _document(response))


def _asked_to_wait(response: httpx.Response, usual: float) -> float:
    """What Retry-After asks for (RFC 9110 section 10.2.3; seconds alone), within bounds."""
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), _LONGEST_WAIT) if asked.isdecimal() else usual
