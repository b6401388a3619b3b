"""What the client raises, and when sending again can help."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

import httpx

NO_ANSWER: Final = "no_answer"
UNREADABLE_ANSWER: Final = "unreadable_answer"
# Codes that a later version of the API adds are judged by their status, as are the pages of proxies.
TEMPORARY_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
TEMPORARY_CODES: Final = frozenset({NO_ANSWER, "request_in_progress", "concurrent_update"})
FINAL_CODES: Final = frozenset({"gateway_rejected"})


@dataclass(eq=False)
class ApiError(Exception):
    """The API refused, or what arrived was no answer of its own; with status 0, nothing arrived."""

    code: str
    status: int
    detail: str
    errors: tuple[Mapping[str, str], ...] = ()
    request_id: str = ""
    retry_after_seconds: float = 0.0
    # Of an operation that moves money: to go on with it, call again with this key.
    key: UUID | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.detail} (status {self.status}, request {self.request_id or 'without id'})"

    @property
    def is_temporary(self) -> bool:
        """Whether the same request, under the same key, may get another answer in a while."""
        if self.status in TEMPORARY_STATUSES:
            return self.code not in FINAL_CODES
        return self.code in TEMPORARY_CODES

    @classmethod
    def read(cls, answer: httpx.Response, problem: Mapping[str, Any]) -> Self:
        """Return the error that `answer` is; `problem` is its body, or empty if that is no JSON object."""
        seconds = answer.headers.get("Retry-After", "")
        return cls(
            problem.get("code", UNREADABLE_ANSWER),
            answer.status_code,
            problem.get("detail", answer.reason_phrase),
            tuple(problem.get("errors", ())),
            answer.headers.get("X-Request-ID", ""),
            float(seconds) if seconds.isdecimal() else 0.0,
        )
