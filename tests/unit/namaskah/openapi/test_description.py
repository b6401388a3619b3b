import json
import re

import pytest
from django.urls import URLPattern, get_resolver
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator
from rest_framework.views import APIView

from namaskah.observability.health import HealthMiddleware
from namaskah.problem_catalogue import PROBLEMS

METHODS = {"get", "post", "put", "patch", "delete"}
# Each operation's own refusals, beyond those that all of its kind share.
SHARED = {
    "validation_error",
    "not_authenticated",
    "method_not_allowed",
    "not_acceptable",
    "rate_limited",
    "internal_error",
    "database_unavailable",
}
WRITES = {
    "malformed_json",
    "body_too_large",
    "unsupported_media_type",
    "concurrent_update",
}
KEYED = {
    "idempotency_key_missing",
    "idempotency_key_invalid",
    "request_in_progress",
    "idempotency_key_expired",
    "idempotency_key_reused",
}
PRICE = {"amount_too_small", "currency_not_available", "exchange_rate_stale"}
GATEWAY = {"gateway_unavailable", "gateway_misconfigured"}
CODES = {
    "initialize_payment": SHARED
    | WRITES
    | KEYED
    | PRICE
    | GATEWAY
    | {"email_required", "gateway_rejected", "gateway_outcome_unknown", "payment_busy"},
    "verify_payment": SHARED | WRITES | GATEWAY | {"idempotency_key_invalid", "payment_not_found", "payment_busy"},
    "quote_payment": SHARED | PRICE,
    "list_payments": SHARED,
    "get_payment": SHARED | {"payment_not_found"},
    "request_refund": SHARED
    | WRITES
    | KEYED
    | {"permission_denied", "payment_not_found", "payment_not_refundable", "payment_disputed"}
    | {"refund_exceeds_payment", "insufficient_credits"},
    "get_balance": SHARED,
    "list_transactions": SHARED,
    "summarize_transactions": SHARED,
    "debit_wallet": SHARED
    | WRITES
    | KEYED
    | {"permission_denied", "insufficient_credits", "user_not_found", "reference_used", "reference_reserved"},
    "reverse_debit": SHARED | WRITES | KEYED | {"permission_denied", "not_found", "reversal_exceeds_debit"},
    "list_limits": SHARED,
    "get_idempotency_key": SHARED | {"idempotency_key_invalid", "not_found"},
    "receive_paystack_event": {
        "validation_error",
        "malformed_event",
        "reference_missing",
        "signature_missing",
        "signature_invalid",
        "method_not_allowed",
        "body_too_large",
        "rate_limited",
        "internal_error",
        "database_unavailable",
    },
    **{
        f"{method}_{name}": {"method_not_allowed"}
        for method in ("get", "post")
        for name in ("health", "liveness", "readiness")
    },
}


def list_operations(description):
    return {
        operation["operationId"]: operation
        for path in description["paths"].values()
        for method, operation in path.items()
        if method in METHODS
    }


def resolve(description, node):
    while "$ref" in node:
        found = description
        for name in node["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        node = found
    return node


def list_answers(description, operation):
    return {status: resolve(description, answer) for status, answer in operation["responses"].items()}


def test_description_is_valid_openapi(description):
    validate_schema(description)

    assert description["openapi"] == "3.1.1"


def test_description_names_every_endpoint_and_method(description):
    wanted = {
        (path, method.lower())
        for path, view in list_endpoints(get_resolver().url_patterns)
        for method in view.cls().allowed_methods
        if method in {"GET", "POST"}
    }
    wanted |= {("/api/v1/payments/paystack/webhook", "post")}
    wanted |= {(path, method) for path in HealthMiddleware(None)._views for method in ("get", "post")}

    assert {(path, method) for path, methods in description["paths"].items() for method in methods} == wanted


def test_every_operation_refuses_with_exactly_these_codes(description):
    found = {
        name: {
            code
            for answer in list_answers(description, operation).values()
            for code in answer["content"].get("application/problem+json", {}).get("examples", ())
        }
        for name, operation in list_operations(description).items()
    }

    assert found == CODES


def test_every_code_stands_under_its_own_status(description):
    misplaced = [
        (name, status, code)
        for name, operation in list_operations(description).items()
        for status, answer in list_answers(description, operation).items()
        for code in answer["content"].get("application/problem+json", {}).get("examples", ())
        if str(PROBLEMS[code].status) != status
    ]

    assert misplaced == []


def test_every_operation_has_words_of_its_own(description):
    operations = list_operations(description)

    assert [
        name for name, operation in operations.items() if not operation["summary"] or operation["summary"].endswith(".")
    ] == []
    assert [name for name, operation in operations.items() if not operation["description"].endswith(".")] == []
    tags = {tag["name"] for tag in description["tags"]}
    assert {operation["tags"][0] for operation in operations.values()} == tags


def test_every_answer_tells_its_request_id_and_endpoints_their_limits(description):
    without = [
        (name, status, header)
        for name, operation in list_operations(description).items()
        for status, answer in list_answers(description, operation).items()
        for header in wanted_headers(operation, status)
        if header not in answer["headers"]
    ]

    assert without == []


def test_every_example_fits_its_schema(description):
    wrong = [
        (name, where, error.message)
        for name, operation in list_operations(description).items()
        for where, schema, value in list_examples(description, operation)
        for error in validator(description, schema).iter_errors(value)
    ]

    assert wrong == []


def test_every_body_refuses_unknown_members_and_every_reference_leads_somewhere(description):
    bodies = [
        resolve(description, operation["requestBody"]["content"]["application/json"]["schema"])
        for name, operation in list_operations(description).items()
        if "requestBody" in operation and name != "receive_paystack_event"
    ]

    assert [body["additionalProperties"] for body in bodies] == [False] * 5
    for reference in set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(description))):
        assert resolve(description, {"$ref": reference})


def test_what_moves_money_wants_a_key_and_nothing_else_does(description):
    keys = {
        name: parameter.get("required", False)
        for name, operation in list_operations(description).items()
        for parameter in operation.get("parameters", ())
        if parameter["name"] == "Idempotency-Key"
    }

    assert keys == {
        "initialize_payment": True,
        "debit_wallet": True,
        "reverse_debit": True,
        "request_refund": True,
        "verify_payment": False,
    }


def test_every_operation_says_how_to_authenticate(description):
    found = {name: operation["security"] for name, operation in list_operations(description).items()}

    assert {name: security for name, security in found.items() if security != [{"ApiKey": []}]} == {
        "receive_paystack_event": [{"PaystackSignature": []}],
        **{name: [] for name in found if name.startswith(("get_health", "post_"))},
        "get_liveness": [],
        "get_readiness": [],
    }


@pytest.mark.parametrize(
    ("name", "body", "is_valid"),
    [
        ("InitializeInput", {"amount_usd": "25.00"}, True),
        ("InitializeInput", {"amount_usd": 25}, True),
        ("InitializeInput", {"amount_usd": 19.99, "channels": ["card"]}, True),
        ("InitializeInput", {"amount_usd": "4.99"}, False),
        ("InitializeInput", {"amount_usd": 10000.01}, False),
        ("InitializeInput", {"amount_usd": "25.00", "channels": []}, False),
        ("InitializeInput", {"amount_usd": "25.00", "currency": "EUR"}, False),
        ("InitializeInput", {"amount_usd": "25.00", "callback_url": "http://shop.example.com/"}, False),
        ("InitializeInput", {"amount_usd": "25.00", "metadata": {}}, False),
        ("DebitInput", {"user_id": 1, "amount": "0.0001", "reference": "a", "service": "sms"}, True),
        ("DebitInput", {"user_id": 0, "amount": "0.0001", "reference": "a", "service": "sms"}, False),
        ("DebitInput", {"user_id": 1, "amount": "0.0001", "reference": "a b", "service": "sms"}, False),
        ("DebitInput", {"user_id": 1, "amount": "0.0001", "reference": "a", "service": ""}, False),
        ("ReversalInput", {"reason": "not served"}, True),
        ("ReversalInput", {"amount": "0", "reason": "not served"}, False),
        ("RefundInput", {"reason": "bought twice"}, True),
        ("RefundInput", {"reason": "bought twice", "amount_usd": "0.01"}, True),
        ("RefundInput", {"reason": "bought twice", "amount_usd": "0.00"}, False),
        ("RefundInput", {"reason": "bought twice", "amount_usd": "0.001"}, False),
        ("RefundInput", {"reason": "bought twice", "amount_usd": "10000.01"}, False),
        ("RefundInput", {"reason": "bought twice", "amount_minor": 100}, False),
        ("RefundInput", {"reason": ""}, False),
        ("RefundInput", {"amount_usd": "10.00"}, False),
        ("VerifyInput", {"reference": "x" * 100}, True),
        ("VerifyInput", {"reference": "x" * 101}, False),
    ],
)
def test_bodies_are_as_strict_as_the_product(description, name, body, is_valid):
    assert validator(description, {"$ref": f"#/components/schemas/{name}"}).is_valid(body) is is_valid


def validator(description, schema):
    return Draft202012Validator({**schema, "components": description["components"]})


def list_examples(description, operation):
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        yield "request", body["schema"], body["example"]
    for status, answer in list_answers(description, operation).items():
        for media in answer["content"].values():
            for example in media.get("examples", {}).values():
                yield status, media["schema"], resolve(description, example)["value"]
            if "example" in media:
                yield status, media["schema"], media["example"]


def wanted_headers(operation, status):
    wanted = ["X-Request-ID"]
    if operation["security"] == [{"ApiKey": []}] and status != "406":
        wanted += ["RateLimit", "RateLimit-Policy"]
    if operation["security"] == [{"ApiKey": []}] and status == "401":
        wanted.append("WWW-Authenticate")
    return wanted + {"405": ["Allow"], "429": ["Retry-After"]}.get(status, [])


def list_endpoints(patterns, prefix="/"):
    for pattern in patterns:
        path = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if not isinstance(pattern, URLPattern):
            yield from list_endpoints(pattern.url_patterns, path)
        elif path.startswith("/api/v1") and issubclass(getattr(pattern.callback, "cls", object), APIView):
            yield path, pattern.callback
