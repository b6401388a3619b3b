"""Problems of what Paystack delivers. Whoever reads these has sent a webhook, or tries one out."""

from typing import Final

from namaskah.problem_catalogue.problem import Problem, Retry

DELIVERY_PROBLEMS: Final[dict[str, Problem]] = {
    "malformed_event": Problem(
        400,
        "The body is not an event",
        happened=(
            "The body is signed with the right key, but it is no JSON object that names an event. It was kept, so "
            "that a person can look at it; nothing else was done."
        ),
        advice='Send what Paystack sends: a JSON object with "event" and "data".',
        retry=Retry.NO,
        detail="The body is signed, but it is no event.",
    ),
    "reference_missing": Problem(
        400,
        "The event names no reference",
        happened=(
            "The event is about a charge and does not say which one: data.reference is missing or unusable. It was "
            "kept, so that a person can look at it; nothing else was done."
        ),
        advice="Send the event with the reference of the charge in data.reference.",
        retry=Retry.NO,
        detail="The event is about a charge and has no usable data.reference.",
    ),
    "signature_missing": Problem(
        401,
        "The signature is missing",
        happened="A delivery to the webhook carried no signature, so it was not looked at. Nothing was stored.",
        advice=(
            'Send the header "x-paystack-signature": the HMAC-SHA512 of the body under the secret key, as 128 '
            "lower-case hexadecimal digits. Paystack does so by itself."
        ),
        retry=Retry.NO,
        detail="The signature is missing.",
    ),
    "signature_invalid": Problem(
        401,
        "The signature is not valid",
        happened=(
            "The signature of a delivery to the webhook does not fit its body under the secret key of this service. "
            "Nothing was stored."
        ),
        advice=(
            "If Paystack sent it, the secret key of this service is not that of the Paystack account: the operator "
            "must compare them, test and live key too. If you sent it, sign the bytes of the body as they are sent."
        ),
        retry=Retry.NO,
        detail="The signature is not valid.",
    ),
}
