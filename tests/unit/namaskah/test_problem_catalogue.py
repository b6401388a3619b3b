import pkgutil
import re
from http import HTTPStatus
from importlib import import_module

import pytest

import billing.selectors
import billing.services
import namaskah.api
import namaskah.idempotency
import payments.gateways
import payments.selectors
import payments.services
from namaskah.errors import DomainError
from namaskah.problem_catalogue import PROBLEMS, Retry

# The public contract: a code or a status that changes breaks clients.
PUBLIC_CODES = {
    400: {
        "malformed_json",
        "validation_error",
        "idempotency_key_missing",
        "idempotency_key_invalid",
        "malformed_event",
        "reference_missing",
    },
    401: {"not_authenticated", "signature_missing", "signature_invalid"},
    402: {"insufficient_credits"},
    403: {"permission_denied"},
    404: {"not_found", "payment_not_found", "user_not_found"},
    405: {"method_not_allowed"},
    406: {"not_acceptable"},
    409: {
        "request_in_progress",
        "idempotency_key_expired",
        "payment_not_refundable",
        "payment_disputed",
        "reference_used",
        "concurrent_update",
    },
    413: {"body_too_large"},
    415: {"unsupported_media_type"},
    422: {
        "idempotency_key_reused",
        "email_required",
        "amount_too_small",
        "currency_not_available",
        "refund_exceeds_payment",
        "reversal_exceeds_debit",
        "reference_reserved",
    },
    429: {"rate_limited"},
    500: {"internal_error"},
    502: {"gateway_rejected"},
    503: {
        "gateway_unavailable",
        "gateway_misconfigured",
        "gateway_outcome_unknown",
        "payment_busy",
        "exchange_rate_stale",
        "database_unavailable",
    },
}

REPEATABLE_LATER = {
    "concurrent_update",
    "rate_limited",
    "request_in_progress",
    "gateway_unavailable",
    "gateway_misconfigured",
    "payment_busy",
    "exchange_rate_stale",
    "database_unavailable",
}
REPEATABLE = REPEATABLE_LATER | {"internal_error", "gateway_outcome_unknown"}

RAISING = [
    billing.selectors,
    billing.services,
    namaskah.api,
    namaskah.idempotency,
    payments.gateways,
    payments.selectors,
    payments.services,
]


def test_problems_are_the_public_codes_under_their_status():
    by_status = {status: set() for status in PUBLIC_CODES}
    for code, problem in PROBLEMS.items():
        by_status.setdefault(problem.status, set()).add(code)

    assert by_status == PUBLIC_CODES


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_problem_has_a_title_and_a_status_that_http_knows(code):
    problem = PROBLEMS[code]

    assert problem.title
    assert not problem.title.endswith(".")
    assert HTTPStatus(problem.status) == problem.status


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_problem_says_what_happened_and_what_to_do_in_sentences(code):
    problem = PROBLEMS[code]

    assert [text for text in (problem.happened, problem.advice) if not re.fullmatch(r"[A-Z].{20,}[.]", text)] == []
    assert problem.detail


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_problem_asks_to_wait_for_retry_after_only_where_the_product_sends_it(code):
    problem = PROBLEMS[code]

    assert (problem.retry is Retry.NO) == (code not in REPEATABLE)
    assert (problem.retry is Retry.AFTER_RETRY_AFTER) == (code in REPEATABLE_LATER)


def test_every_error_of_the_product_has_a_code_of_the_catalogue():
    for package in RAISING:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)

    codes = {kind.__name__: kind.__dict__["code"] for kind in _list_kinds(DomainError) if "code" in kind.__dict__}

    assert len(codes) > 15
    assert {name: code for name, code in codes.items() if code not in PROBLEMS} == {}


def _list_kinds(kind):
    for derived in kind.__subclasses__():
        yield derived
        yield from _list_kinds(derived)
