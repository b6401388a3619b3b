"""What one error code means, for programs and for the person who reads its page."""

from enum import StrEnum
from typing import Any, Final, NamedTuple


class Retry(StrEnum):
    """Whether the request that got this answer should be sent again."""

    NO = "no"
    AT_ONCE = "at_once"
    AFTER_RETRY_AFTER = "after_retry_after"
    SAME_KEY = "same_key"

    @property
    def sentence(self) -> str:
        """The answer in words."""
        return _SENTENCES[self]


_SENTENCES: Final = {
    Retry.NO: "No: the same request would be refused again.",
    Retry.AT_ONCE: "Yes, at once; a request that had an Idempotency-Key keeps it.",
    Retry.AFTER_RETRY_AFTER: (
        "Yes, after the seconds that the header Retry-After names; a request that had an Idempotency-Key keeps it."
    ),
    Retry.SAME_KEY: (
        "Yes, with the same Idempotency-Key if the request had one, so that nothing is done twice; "
        "wait as the header Retry-After says, or a few seconds if there is none."
    ),
}


class Problem(NamedTuple):
    """What a code means; `detail` and `errors` are an example of what an answer adds to it."""

    status: int
    title: str
    happened: str
    advice: str
    retry: Retry
    detail: str
    errors: tuple[dict[str, Any], ...] = ()
