"""Problems of who is calling, what they may do, and how often."""

from typing import Final

from namaskah.problem_catalogue.problem import Problem, Retry

ACCESS_PROBLEMS: Final[dict[str, Problem]] = {
    "not_authenticated": Problem(
        401,
        "Authentication is needed",
        happened=(
            "The request carried no API key, or one that is unknown, expired or revoked. Which of these is not told, "
            "so that nobody can find keys by trying. Nothing was done."
        ),
        advice=(
            'Send "Authorization: Bearer <your API key>". If you do, the key may have expired or been revoked: ask '
            "the operator of this service for a new one. Stop sending a key that was refused: failures are limited "
            "per address."
        ),
        retry=Retry.NO,
        detail="The API key is not valid.",
    ),
    "permission_denied": Problem(
        403,
        "You may not do this",
        happened=(
            "Your API key is valid, but its user lacks the permission that this operation needs. Nothing was done."
        ),
        advice=(
            "If your program should be able to do this, ask the operator of this service to give its user the "
            "permission. The API's description names it for each operation."
        ),
        retry=Retry.NO,
        detail="You do not have permission to perform this action.",
    ),
    "rate_limited": Problem(
        429,
        "Too many requests",
        happened=(
            "You have sent more requests within a minute than the limit allows; this one was not looked at. Limits "
            "count per user, whatever number of keys or machines it has. The headers RateLimit-Policy and RateLimit "
            "say which limit it was, what is left of it, and when it is whole again."
        ),
        advice=(
            "Wait for as many seconds as Retry-After says, then go on more slowly. GET /api/v1/limits shows all your "
            "limits. If your normal work needs more, talk to the operator of this service."
        ),
        retry=Retry.AFTER_RETRY_AFTER,
        detail='The limit "initialize" is 5 per minute; it is whole again in 37 s.',
    ),
}
