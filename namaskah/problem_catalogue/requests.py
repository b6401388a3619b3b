"""Problems of a request that cannot be understood, or of an address."""

from typing import Final

from namaskah.problem_catalogue.problem import Problem, Retry

REQUEST_PROBLEMS: Final[dict[str, Problem]] = {
    "malformed_json": Problem(
        400,
        "The body is not valid JSON",
        happened=(
            "The body of the request could not be read as JSON. JSON is read strictly here: UTF-8, no member named "
            "twice, no NaN or Infinity, nothing after the end, at most 16 levels deep. Nothing was done."
        ),
        advice="Let a JSON library write the body, and compare what it wrote with the example of the operation.",
        retry=Retry.NO,
        detail="The body names a member twice.",
    ),
    "validation_error": Problem(
        400,
        "Some fields are not valid",
        happened=(
            "The request was read, and some of its fields or query parameters are missing, unknown, or not of the "
            "form or size that is asked for. Fields that the operation does not know are refused too, so that a "
            "misspelt name is noticed. Nothing was done."
        ),
        advice='Correct the fields that "errors" names; each entry says what is wrong with one of them.',
        retry=Retry.NO,
        detail="Some fields are not valid.",
        errors=({"field": "amount_usd", "code": "min_value", "message": "Must be at least 5.00."},),
    ),
    "not_found": Problem(
        404,
        "There is nothing here",
        happened=(
            "Nothing has this address, or what has it belongs to somebody else: an API key sees the rows of its own "
            "user alone."
        ),
        advice=(
            "Compare the address with the API's description, and the reference or key in it with what you have "
            "stored. There is no slash at the end. Make sure that the API key is that of the right user."
        ),
        retry=Retry.NO,
        detail="There is nothing at this address.",
    ),
    "method_not_allowed": Problem(
        405,
        "This method is not allowed here",
        happened="The address exists, and not with this HTTP method. Nothing was done.",
        advice='Use a method that the header "Allow" of the answer names.',
        retry=Retry.NO,
        detail='Method "DELETE" not allowed.',
    ),
    "not_acceptable": Problem(
        406,
        "Only JSON is answered",
        happened='The header "Accept" of the request excludes JSON, the only thing that is answered. Nothing was done.',
        advice='Send "Accept: application/json", or no such header.',
        retry=Retry.NO,
        detail="Could not satisfy the request Accept header.",
    ),
    "body_too_large": Problem(
        413,
        "The body is too large",
        happened=(
            "The body is larger than any request of this API needs: 64 KiB, or 256 KiB for an event from Paystack. "
            "Nothing was done."
        ),
        advice="Send only the fields that the operation knows.",
        retry=Retry.NO,
        detail="The body is larger than 64 KiB.",
    ),
    "unsupported_media_type": Problem(
        415,
        "Only application/json is accepted",
        happened="The request has a body of another type than JSON. Nothing was done.",
        advice='Send the body as JSON, with the header "Content-Type: application/json".',
        retry=Retry.NO,
        detail='Unsupported media type "text/plain" in request.',
    ),
}
