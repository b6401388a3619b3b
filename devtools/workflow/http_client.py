"""JSON over HTTP with the standard library."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from devtools.workflow import progress

_TIMEOUT_SECONDS = 30.0
_ATTEMPTS = 4
_LATER = (429, 503)
# No proxy of the environment stands between us and our own machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Answer:
    """Status and parsed body; the body is None when it was not JSON."""

    status: int
    body: Any
    retry_after_seconds: float | None


@dataclass(frozen=True)
class Client:
    """Calls one server with the same headers each time."""

    base_url: str
    headers: dict[str, str]

    def get(self, path: str) -> Answer:
        """Ask for `path`."""
        return self._patiently("GET", path, None, {})

    def post(self, path: str, body: object, headers: dict[str, str] | None = None) -> Answer:
        """Send `body` to `path`."""
        return self._patiently("POST", path, body, headers or {})

    def _patiently(self, method: str, path: str, body: object, headers: dict[str, str]) -> Answer:
        """Call again when the server says when; all our requests may be repeated."""
        for _ in range(_ATTEMPTS - 1):
            answer = self.call(method, path, body, headers)
            if answer.status not in _LATER or answer.retry_after_seconds is None:
                return answer
            progress.report(f"{path}: {answer.status}, again in {answer.retry_after_seconds:.0f} s")
            time.sleep(answer.retry_after_seconds)
        return self.call(method, path, body, headers)

    def call(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
        """Send one request; an unreachable server answers with status 0."""
        request = urllib.request.Request(  # noqa: S310 -- our own server on the loopback interface
            self.base_url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                **self.headers,
                **(headers or {}),
                **({} if body is None else {"Content-Type": "application/json"}),
            },
            method=method,
        )
        try:
            with _opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
                return Answer(response.status, _parsed(response.read()), None)
        except urllib.error.HTTPError as error:
            with error:
                retry_after = error.headers.get("Retry-After", "")
                return Answer(error.code, _parsed(error.read()), float(retry_after) if retry_after.isdigit() else None)
        except OSError:
            return Answer(0, None, None)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
