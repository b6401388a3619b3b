"""A client that sends one request until it is answered, as the documentation of the API tells it to."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

PATIENCE_SECONDS = 60
CUT_OFF = 0

# One for all, because making a TLS context for each would be most of the work. Without kept-alive
# connections, so that each request goes to whichever worker is alive.
_http = httpx.Client(
    limits=httpx.Limits(max_connections=None, max_keepalive_connections=0), timeout=PATIENCE_SECONDS, trust_env=False
)


@dataclass(frozen=True, slots=True)
class Request:
    """A POST that is the same each time it is sent."""

    url: str
    content: bytes
    headers: Mapping[str, str]

    @classmethod
    def to_api(cls, url: str, body: Mapping[str, Any], *, api_key: str, key: str) -> "Request":
        headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json", "Idempotency-Key": key}
        return cls(url, json.dumps(body).encode(), headers)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; its status is CUT_OFF if the connection ended instead."""

    status: int
    content: bytes = b""
    is_replay: bool = False
    retry_after_seconds: float = 0

    @property
    def is_final(self) -> bool:
        """Whether the client is told to send the same request again."""
        return self.status not in {CUT_OFF, httpx.codes.SERVICE_UNAVAILABLE} and self.code != "request_in_progress"

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        return self.body.get("code", "") if self.status >= httpx.codes.BAD_REQUEST else ""


def send(request: Request) -> Answer:
    """Send the request once."""
    try:
        answer = _http.post(request.url, content=request.content, headers=request.headers)
    except httpx.TransportError:
        return Answer(CUT_OFF)
    return Answer(
        answer.status_code,
        answer.content,
        is_replay=answer.headers.get("Idempotent-Replayed") == "true",
        retry_after_seconds=float(answer.headers.get("Retry-After", 0)),
    )


def send_until_answered(request: Request, *, is_enough: Callable[[], bool] | None = None) -> list[Answer]:
    """Send the request at once, and again when each answer says; return all answers, the last of them final.

    With `is_enough` a final answer is an error, and the request is sent until that is true.
    """
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    answers = [send(request)]
    while not (is_enough() if is_enough else answers[-1].is_final):
        assert not answers[-1].is_final, f"answered too soon: {answers}"
        assert time.monotonic() < give_up_at, f"not answered within {PATIENCE_SECONDS} s, but {answers}"
        # What the server asked for.
        time.sleep(answers[-1].retry_after_seconds)
        answers.append(send(request))
    return answers
