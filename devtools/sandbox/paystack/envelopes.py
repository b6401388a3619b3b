"""The forms that Paystack's answers have (https://paystack.com/docs/api/#response-format)."""

from collections.abc import Mapping
from typing import Any

from devtools.sandbox.web.messages import Answer, json_answer


def success(message: str, content: object, *, meta: Mapping[str, Any] | None = None) -> Answer:
    """Answer that the call worked, which says nothing of the money."""
    envelope = {"status": True, "message": message, "data": content}
    return json_answer(envelope if meta is None else {**envelope, "meta": dict(meta)})
