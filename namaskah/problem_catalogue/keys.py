"""Problems of the Idempotency-Key."""

from typing import Final

from namaskah.problem_catalogue.problem import Problem, Retry

KEY_PROBLEMS: Final[dict[str, Problem]] = {
    "idempotency_key_missing": Problem(
        400,
        "The Idempotency-Key header is missing",
        happened=(
            "This operation moves money, or begins to. Such a request must carry a key of yours, so that it can be "
            "repeated after a lost answer without being done twice. Nothing was done."
        ),
        advice=(
            "Make a new UUID for each thing that you want done, store it before you send the request, and send it as "
            'the header "Idempotency-Key". Send the same one when you repeat the request.'
        ),
        retry=Retry.NO,
        detail=(
            "This request moves money: send an Idempotency-Key header with a new UUID, and the same one when you retry."
        ),
    ),
    "idempotency_key_invalid": Problem(
        400,
        "The Idempotency-Key is not a UUID",
        happened="The Idempotency-Key is something other than a UUID. Nothing was done.",
        advice=(
            'Send a UUID such as "0b9f2c6e-6a0e-4a55-9a3e-2f1d1c0b7a11", with its four hyphens, in lower or upper '
            "case, bare or in double quotes. A random one (version 4) does well."
        ),
        retry=Retry.NO,
        detail="The Idempotency-Key must be a UUID.",
    ),
    "request_in_progress": Problem(
        409,
        "The first request with this key is still running",
        happened=(
            "Another request with this Idempotency-Key is being worked on at this moment. This one was not begun, so "
            "nothing is done twice."
        ),
        advice=(
            "Wait for as many seconds as Retry-After says and send the same request with the same key: you get the "
            "answer of the first one as soon as there is one. Should the first one have died, a repetition takes over "
            "after a minute at most."
        ),
        retry=Retry.AFTER_RETRY_AFTER,
        detail="The first request with this key is still running.",
    ),
    "idempotency_key_expired": Problem(
        409,
        "This key was used long ago",
        happened=(
            "The key was used before, and its answer is kept for 72 hours only. The key stays used, so that an old "
            "request cannot be done a second time by accident. Nothing was done now."
        ),
        advice=(
            'Look at what the first request made: "detail" names it. If you want another one, send a new request '
            "with a new key."
        ),
        retry=Retry.NO,
        detail=(
            "This key was used for nmk-01j9zq4k7v3m8x2c5b6n7d8f9g0h1j2k3m4p; its answer was kept until 2026-11-24."
        ),
    ),
    "idempotency_key_reused": Problem(
        422,
        "This key was used for another request",
        happened=(
            "You have sent another request with this key before: another operation, or other values. It is not clear "
            "which of the two you want, so this one was not done; the first one stands."
        ),
        advice=(
            'If you meant to repeat the first request, send exactly what you sent then: "errors" names the fields '
            "that differ. If this is something new, send it with a new key."
        ),
        retry=Retry.NO,
        detail="This key was used with another body; use a new one.",
        errors=({"field": "amount_usd", "code": "differs", "message": "Differs from the first request."},),
    ),
}
