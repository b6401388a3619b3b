import json
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
    transaction,
)
from django.http import Http404
from django.test import RequestFactory
from psycopg2 import errors as postgres_errors
from rest_framework import exceptions, serializers

from namaskah import errors
from namaskah.idempotency.claims import IdempotencyKeyReusedError, RequestInProgressError
from namaskah.problem_details import ProblemDetails, describe, problem_response


class _TooSmallError(errors.RuleViolationError):
    code = "amount_too_small"


class _BusyError(errors.UnavailableError):
    code = "payment_busy"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.PermissionDeniedError("No."), 403, "permission_denied"),
        (errors.NotFoundError("No."), 404, "not_found"),
        (errors.ConcurrentUpdateError("No."), 409, "concurrent_update"),
        (_TooSmallError("No."), 422, "amount_too_small"),
        (errors.GatewayRejectedError("No.", gateway_code="declined"), 502, "gateway_rejected"),
        (_BusyError("No."), 503, "payment_busy"),
        (errors.GatewayUnavailableError("No."), 503, "gateway_unavailable"),
        (errors.GatewayMisconfiguredError("No."), 503, "gateway_misconfigured"),
        (errors.GatewayOutcomeUnknownError("No."), 503, "gateway_outcome_unknown"),
    ],
)
def test_describe_a_refusal_of_the_product_tells_its_sentence(error, status, code):
    problem = describe(error)

    assert (problem.status, problem.code, problem.detail) == (status, code, "No.")
    assert problem.headers == {}


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(_BusyError("Busy.", retry_after_seconds=7), "7"), (RequestInProgressError("Running."), "1")],
)
def test_describe_an_error_that_passes_says_when_to_come_back(error, seconds):
    assert describe(error).headers == {"Retry-After": seconds}


def test_describe_a_reused_key_names_the_fields():
    fields = [{"field": "amount_usd", "code": "differs", "message": "Differs."}]

    problem = describe(IdempotencyKeyReusedError("Used.", errors=fields))

    assert (problem.status, problem.errors) == (422, fields)


@pytest.mark.parametrize(
    ("error", "status", "code", "headers"),
    [
        (exceptions.NotAuthenticated(), 401, "not_authenticated", {"WWW-Authenticate": "Bearer"}),
        (exceptions.AuthenticationFailed(), 401, "not_authenticated", {"WWW-Authenticate": "Bearer"}),
        (exceptions.PermissionDenied(), 403, "permission_denied", {}),
        (exceptions.NotFound(), 404, "not_found", {}),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed", {}),
        (exceptions.NotAcceptable(), 406, "not_acceptable", {}),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type", {}),
        (exceptions.ParseError(), 400, "malformed_json", {}),
        (exceptions.Throttled(wait=1.2), 429, "rate_limited", {"Retry-After": "2"}),
        (Http404(), 404, "not_found", {}),
        (PermissionDenied(), 403, "permission_denied", {}),
    ],
)
def test_describe_an_error_of_the_frameworks(error, status, code, headers):
    problem = describe(error)

    assert (problem.status, problem.code, problem.headers) == (status, code, headers)


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("secret"),
        exceptions.APIException("secret"),
        DatabaseError("secret"),
        IntegrityError("secret"),
        KeyError("secret"),
    ],
)
def test_describe_what_nobody_foresaw_tells_nothing(error):
    problem = describe(error)

    assert (problem.status, problem.code, problem.detail, problem.errors) == (500, "internal_error", "", ())
    assert b"secret" not in problem.to_bytes("")


@pytest.mark.parametrize("error", [OperationalError("server closed"), InterfaceError("connection already closed")])
def test_describe_a_lost_database(error):
    problem = describe(error)

    assert (problem.status, problem.code, problem.headers) == (503, "database_unavailable", {"Retry-After": "2"})
    assert "closed" not in problem.detail


@pytest.mark.parametrize(
    "cause",
    [postgres_errors.LockNotAvailable, postgres_errors.DeadlockDetected, postgres_errors.SerializationFailure],
)
@pytest.mark.django_db
def test_describe_a_contended_row_is_a_conflict(cause):
    code = {
        postgres_errors.LockNotAvailable: "55P03",
        postgres_errors.DeadlockDetected: "40P01",
        postgres_errors.SerializationFailure: "40001",
    }[cause]
    with pytest.raises(OperationalError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'contended' USING ERRCODE = '{code}'; END $$")

    problem = describe(caught.value)

    assert isinstance(caught.value.__cause__, cause)
    assert (problem.status, problem.code, problem.headers) == (409, "concurrent_update", {"Retry-After": "1"})


@pytest.mark.django_db
def test_describe_a_database_that_is_read_only_is_unavailable():
    with pytest.raises(InternalError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY; DELETE FROM heartbeats")

    problem = describe(caught.value)

    assert (problem.status, problem.code) == (503, "database_unavailable")


def test_describe_validation_errors_names_each_field_by_its_path():
    class Inner(serializers.Serializer):
        size = serializers.IntegerField()

    class Outer(serializers.Serializer):
        name = serializers.CharField()
        inner = Inner()
        tags = serializers.ListField(child=serializers.CharField(max_length=2))

    body = Outer(data={"inner": {"size": "x"}, "tags": ["ok", "long"]})
    with pytest.raises(exceptions.ValidationError) as caught:
        body.is_valid(raise_exception=True)

    problem = describe(caught.value)

    assert (problem.status, problem.code) == (400, "validation_error")
    assert [(error["field"], error["code"]) for error in problem.errors] == [
        ("name", "required"),
        ("inner.size", "invalid"),
        ("tags.1", "max_length"),
    ]


@pytest.mark.parametrize("detail", ["Together wrong.", {"non_field_errors": ["Together wrong."]}])
def test_describe_a_validation_error_of_the_whole_names_no_field(detail):
    problem = describe(exceptions.ValidationError(detail))

    assert problem.errors == [{"field": "", "code": "invalid", "message": "Together wrong."}]


def test_to_bytes_has_the_members_of_rfc_9457_and_ours():
    request_id = str(uuid4())

    body = json.loads(ProblemDetails(code="payment_not_found", detail="Nichts für dich.").to_bytes(request_id))

    assert body == {
        "type": "/api/problems/payment_not_found",
        "title": "There is no such payment",
        "status": 404,
        "detail": "Nichts für dich.",
        "code": "payment_not_found",
        "request_id": request_id,
    }


def test_to_bytes_without_a_detail_says_the_title():
    assert json.loads(ProblemDetails(code="not_found").to_bytes(""))["detail"] == "There is nothing here."


def test_problem_response_of_a_plain_view():
    request = RequestFactory().get("/api/v1/anything")

    answer = problem_response(request, code="method_not_allowed", headers={"Allow": "POST"})

    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
    assert answer["Allow"] == "POST"
