"""Problems of payments, refunds and credits."""

from typing import Final

from namaskah.problem_catalogue.problem import Problem, Retry

PURCHASE_PROBLEMS: Final[dict[str, Problem]] = {
    "insufficient_credits": Problem(
        402,
        "There are not enough credits",
        happened=(
            "The wallet has fewer credits available than this needs. Credits that are held, for example for a refund "
            "under way, are not available. Nothing was taken."
        ),
        advice=(
            'For a debit, let the user buy credits first: "detail" says how many are missing. A refund of credits '
            "that are already spent is not possible."
        ),
        retry=Retry.NO,
        detail="The wallet has 3.50 available, 1.25 too little.",
    ),
    "payment_not_found": Problem(
        404,
        "There is no such payment",
        happened="Your user has no payment with this reference.",
        advice=(
            "Compare the reference with the one that initialize answered, letter by letter, and make sure that the "
            "API key is that of the same user. GET /api/v1/payments lists all payments of your user."
        ),
        retry=Retry.NO,
        detail="You have no payment with this reference.",
    ),
    "user_not_found": Problem(
        404,
        "There is no such user",
        happened='No user has the "user_id" of the request. Nothing was done.',
        advice="Compare the number with the one that your platform has stored for this user.",
        retry=Retry.NO,
        detail="There is no user 4711.",
    ),
    "payment_not_refundable": Problem(
        409,
        "This payment cannot be refunded",
        happened=(
            "Only money that arrived can go back. No money of this payment is known to have arrived, or all of it "
            "went back before. Nothing was done."
        ),
        advice='Look at the payment with GET /api/v1/payments/{reference}: its "state" and "refunds" tell why.',
        retry=Retry.NO,
        detail="This payment is failed: no money of it is known to have arrived.",
    ),
    "payment_disputed": Problem(
        409,
        "This payment is disputed",
        happened=(
            "The payer has disputed this payment with their bank. While that is undecided, the money must not go back "
            "on a second way; if the bank has decided for the payer, it went back already. Nothing was done."
        ),
        advice=(
            'Read in "detail" which of the two it is. While the dispute is undecided, wait; the operator of this '
            "service sees how it stands. If it was lost, the payer has the money: there is nothing left to refund."
        ),
        retry=Retry.NO,
        detail="The payer's bank disputes this payment; the dispute decides about the money.",
    ),
    "reference_used": Problem(
        409,
        "This reference was used before",
        happened=(
            "A ledger entry has this reference already: a debit of yours under another Idempotency-Key, or that of "
            "another account. One reference stands for one debit. Nothing was taken now."
        ),
        advice=(
            "If `detail` names your own debit, with this user and amount, it is done: do not send it again. Else give "
            "it a reference of its own."
        ),
        retry=Retry.NO,
        detail="You took 1.50 from user 5 under this reference before; nothing was taken now.",
    ),
    "email_required": Problem(
        422,
        "Your account has no e-mail address",
        happened="Paystack needs an e-mail address of the payer, and your user has none. Nothing was done.",
        advice="Ask the operator of this service to add an e-mail address to your user, then send the request again.",
        retry=Retry.NO,
        detail="Your account has no e-mail address, and Paystack needs one to take a payment.",
    ),
    "amount_too_small": Problem(
        422,
        "The amount is too small",
        happened=(
            "At the present exchange rate, the amount is less than Paystack accepts in this currency. Nothing was done."
        ),
        advice='Ask for a larger amount, or for another currency; "detail" names the smallest amount.',
        retry=Retry.NO,
        detail="Paystack takes at least 50.00 NGN; this would be 12.50.",
    ),
    "currency_not_available": Problem(
        422,
        "This currency is not available",
        happened="This service has no exchange rate for the currency, so it cannot sell in it. Nothing was done.",
        advice=(
            "Choose another currency, or leave it out for the usual one. If you need this one, ask the operator of "
            "this service to set a rate."
        ),
        retry=Retry.NO,
        detail="Purchases in KES are not available: no exchange rate is set.",
    ),
    "refund_exceeds_payment": Problem(
        422,
        "The refund exceeds the payment",
        happened=(
            "All refunds of a payment together cannot be more than was paid, and this one would be. Refunds that are "
            "under way count. Nothing was done."
        ),
        advice='Ask for what is left at most, or leave "amount_usd" out to refund all of it.',
        retry=Retry.NO,
        detail="Of this payment 10.00 can still be refunded.",
    ),
    "reversal_exceeds_debit": Problem(
        422,
        "The reversal exceeds the debit",
        happened=(
            "All reversals of a debit together cannot give back more than it took, and this one would. Nothing was "
            "given back now."
        ),
        advice='Ask for what is left at most, or leave "amount" out to give back all of it.',
        retry=Retry.NO,
        detail="Of this debit 0.50 can still be reversed.",
    ),
    "reference_reserved": Problem(
        422,
        "This reference is reserved",
        happened=(
            'References that begin with "nmk-", "rfd-", "rvs-" or "adj-" are given by this service alone. Nothing '
            "was done."
        ),
        advice="Choose a reference that begins differently, for example with the name of your platform.",
        retry=Retry.NO,
        detail="References that begin with nmk- are reserved.",
    ),
    "gateway_rejected": Problem(
        502,
        "Paystack refused the payment",
        happened=(
            'Paystack understood the request and said no, for the reason in "detail". No money has moved. The payment '
            "is kept as failed, and the same Idempotency-Key gets this answer again."
        ),
        advice=(
            "If the reason is something that you can change, such as the currency or a channel, send a new request "
            "with a new Idempotency-Key. If not, show the request id to the operator of this service."
        ),
        retry=Retry.NO,
        detail="Currency not supported by merchant",
    ),
}
