"""Every error code of the API, its status and its title. Codes are public and never change."""

from typing import Final, NamedTuple


class Problem(NamedTuple):
    """What a code means."""

    status: int
    title: str


PROBLEMS: Final[dict[str, Problem]] = {
    "malformed_json": Problem(400, "The body is not valid JSON"),
    "validation_error": Problem(400, "Some fields are not valid"),
    "idempotency_key_missing": Problem(400, "The Idempotency-Key header is missing"),
    "idempotency_key_invalid": Problem(400, "The Idempotency-Key is not a UUID"),
    "malformed_event": Problem(400, "The body is not an event"),
    "reference_missing": Problem(400, "The event names no reference"),
    "not_authenticated": Problem(401, "Authentication is needed"),
    "signature_missing": Problem(401, "The signature is missing"),
    "signature_invalid": Problem(401, "The signature is not valid"),
    "insufficient_credits": Problem(402, "There are not enough credits"),
    "permission_denied": Problem(403, "You may not do this"),
    "not_found": Problem(404, "There is nothing here"),
    "payment_not_found": Problem(404, "There is no such payment"),
    "user_not_found": Problem(404, "There is no such user"),
    "method_not_allowed": Problem(405, "This method is not allowed here"),
    "not_acceptable": Problem(406, "Only JSON is answered"),
    "request_in_progress": Problem(409, "The first request with this key is still running"),
    "idempotency_key_expired": Problem(409, "This key was used long ago"),
    "payment_not_refundable": Problem(409, "This payment cannot be refunded"),
    "payment_disputed": Problem(409, "This payment is disputed"),
    "reference_used": Problem(409, "This reference was used before"),
    "concurrent_update": Problem(409, "Another request changed this at the same time"),
    "body_too_large": Problem(413, "The body is too large"),
    "unsupported_media_type": Problem(415, "Only application/json is accepted"),
    "idempotency_key_reused": Problem(422, "This key was used for another request"),
    "email_required": Problem(422, "Your account has no e-mail address"),
    "amount_too_small": Problem(422, "The amount is too small"),
    "currency_not_available": Problem(422, "This currency is not available"),
    "refund_exceeds_payment": Problem(422, "The refund exceeds the payment"),
    "reversal_exceeds_debit": Problem(422, "The reversal exceeds the debit"),
    "reference_reserved": Problem(422, "This reference is reserved"),
    "rate_limited": Problem(429, "Too many requests"),
    "internal_error": Problem(500, "Something went wrong on our side; tell us the request id"),
    "gateway_rejected": Problem(502, "Paystack refused the payment"),
    "gateway_unavailable": Problem(503, "Paystack cannot be reached"),
    "gateway_misconfigured": Problem(503, "Payments are not set up correctly"),
    "gateway_outcome_unknown": Problem(503, "It is not known what became of the payment"),
    "payment_busy": Problem(503, "The payment is being worked on"),
    "exchange_rate_stale": Problem(503, "The exchange rate is out of date"),
    "database_unavailable": Problem(503, "The database cannot be reached"),
}
