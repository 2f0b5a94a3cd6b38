"""The Admin API as the commands see it: answers that a test has written, requests that it looks at afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

Answer = httpx.Response | BaseException | Callable[[httpx.Request], httpx.Response]


class ScriptedApi:
    """A handler for httpx.MockTransport. Answers to one method and path are given in turn, the last again and again."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self._answers: dict[tuple[str, str], list[Answer]] = {}

    def on(self, method: str, path: str, document: object = None, status: int = 200, **headers: str) -> None:
        """`path` is below /api/v1, as it is sent; headers by their names, with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = b"" if document is None else json.dumps(document).encode()
        self.on_any(method, path, httpx.Response(status, content=content, headers=named))

    def on_any(self, method: str, path: str, *answers: Answer) -> None:
        """Answers of any kind: an exception is raised, a function is asked."""
        self._answers.setdefault((method, f"/api/v1{path}"), []).extend(answers)

    def refuse(
        self, method: str, path: str, status: int, title: str, detail: str = "", **more: object
    ) -> None:
        """A problem document (RFC 9457)."""
        self.on(method, path, {"title": title, "status": status, "detail": detail or title, **more}, status)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.raw_path.decode().partition("?")[0]
        answers = self._answers.get((request.method, path))
        if not answers:
            return httpx.Response(
                404, json={"title": "Resource not found", "detail": f"{request.method} {path}"}
            )
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    @property
    def asked(self) -> list[str]:
        """What was asked for: "GET /services?limit=100"."""
        return [f"{one.method} {one.url.raw_path.decode().removeprefix('/api/v1')}" for one in self.requests]

    def sent(self, method: str) -> Any:
        """The last document that was sent by `method`."""
        return json.loads([one for one in self.requests if one.method == method][-1].content)
