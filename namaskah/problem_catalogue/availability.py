"""Problems on our side or on Paystack's: the request was fine."""

from typing import Final

from namaskah.problem_catalogue.problem import Problem, Retry

AVAILABILITY_PROBLEMS: Final[dict[str, Problem]] = {
    "concurrent_update": Problem(
        409,
        "Another request changed this at the same time",
        happened=(
            "Two requests wanted to change the same thing at the same moment. The other one went first; of this one "
            "nothing was kept."
        ),
        advice="Wait as long as Retry-After says, then send the same request again.",
        retry=Retry.AFTER_RETRY_AFTER,
        detail="Another request is working on the same rows; try again.",
    ),
    "internal_error": Problem(
        500,
        "Something went wrong on our side; tell us the request id",
        happened=(
            "We made a mistake that we did not foresee. It has been logged with everything that we need to find it. "
            "Whether the request was carried out is not certain."
        ),
        advice=(
            "Send the same request again once, with the same Idempotency-Key if it had one: nothing is done twice. If "
            'it fails again, give the "request_id" to the operator of this service.'
        ),
        retry=Retry.SAME_KEY,
        detail="Something went wrong on our side; tell us the request id.",
    ),
    "gateway_unavailable": Problem(
        503,
        "Paystack cannot be reached",
        happened=(
            "Paystack does not answer, or is called too often at the moment. No new charge was begun by this request. "
            "A payment that initialize began stays pending."
        ),
        advice=(
            "Wait for as many seconds as Retry-After says and send the same request again, initialize with the same "
            "Idempotency-Key: it goes on where it stopped. A purchase that was paid is credited in any case, also "
            "without you asking."
        ),
        retry=Retry.AFTER_RETRY_AFTER,
        detail="Paystack cannot be reached at the moment.",
    ),
    "gateway_misconfigured": Problem(
        503,
        "Payments are not set up correctly",
        happened=(
            "Paystack refused the key of this service. That is the operator's mistake, not yours. No money has moved."
        ),
        advice=(
            "Tell the operator of this service. When they have corrected it, send the same request with the same "
            "Idempotency-Key: it goes on where it stopped. Until then a repetition every few minutes is enough."
        ),
        retry=Retry.AFTER_RETRY_AFTER,
        detail="Paystack refused the key of this service.",
    ),
    "gateway_outcome_unknown": Problem(
        503,
        "It is not known what became of the payment",
        happened=(
            "The request was sent to Paystack and no usable answer came back. Paystack may have begun the payment or "
            "not."
        ),
        advice=(
            "Send the same request with the same Idempotency-Key: we then look up at Paystack what became of it, and "
            "go on from there. Never use a new key for this: the payer could be asked to pay twice."
        ),
        retry=Retry.SAME_KEY,
        detail="Paystack was asked and gave no usable answer; what became of it must be looked up.",
    ),
    "payment_busy": Problem(
        503,
        "The payment is being worked on",
        happened=(
            "Another process has been working on this payment for over a second, most often because Paystack has just "
            "told us that it was paid. Nothing is lost."
        ),
        advice="Wait for as many seconds as Retry-After says and ask again.",
        retry=Retry.AFTER_RETRY_AFTER,
        detail="Another process is working on this payment.",
    ),
    "exchange_rate_stale": Problem(
        503,
        "The exchange rate is out of date",
        happened=(
            "The exchange rate of the currency is too old to sell at a fair price. Purchases in it wait until the "
            "operator of this service has renewed it. Nothing was done."
        ),
        advice="Try again later with the same Idempotency-Key, or choose another currency with a new one.",
        retry=Retry.AFTER_RETRY_AFTER,
        detail="The exchange rate of NGN is out of date; purchases wait until it is renewed.",
    ),
    "database_unavailable": Problem(
        503,
        "The database cannot be reached",
        happened=(
            "Our database does not answer at the moment. What was not confirmed to you may have been stored or not."
        ),
        advice=(
            "Wait for as many seconds as Retry-After says and send the same request, with the same Idempotency-Key if "
            "it had one: nothing is done twice."
        ),
        retry=Retry.AFTER_RETRY_AFTER,
        detail="The database cannot be reached; try again shortly.",
    ),
}
