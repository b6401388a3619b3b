"""What was refused before it changed anything is not stored: the same request with the same key is tried anew."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.utils import timezone

from billing.services import holds
from tests.factories.billing import ExchangeRateFactory, post
from tests.factories.refunds import place
from tests.factories.users import UserFactory
from tests.integration.api.clients import DEBITS, INITIALIZE, ApiClient, problem, read

pytestmark = pytest.mark.django_db

KEY = UUID("0d6c1f0e-9b1a-4c3d-8e4f-0123456789ab")
ANY_DEBIT = {"amount": "4.00", "reference": "sms-1", "service": "sms"}


class Refused:
    """A request that is refused, and what cures the reason."""

    def __init__(self, client, path, body, cure):
        self._client, self._path, self._body, self.cure = client, path, body, cure

    def send(self, **headers):
        return self._client.post(self._path, self._body, key=KEY, **headers)


def _debit(client, user_id, cure, **changes):
    return Refused(client, DEBITS, {"user_id": user_id, **ANY_DEBIT, **changes}, cure)


def _purchase(client, cure, **body):
    return Refused(client, INITIALIZE, {"amount_usd": "25.00", **body}, cure)


def _without_credits(service):
    user = UserFactory()
    return _debit(service, user.pk, lambda: post(user))


def _with_held_credits(service):
    user = UserFactory()
    post(user)
    place(user, Decimal(6))
    too_much = place(user, Decimal("0.0001"))
    return _debit(service, user.pk, lambda: _release(too_much, user))


def _release(hold, user):
    with transaction.atomic():
        holds.release_hold(hold.pk, user_id=user.pk, now=timezone.now())


def _of_an_unknown_user(service):
    return _debit(service, 9_999, lambda: post(UserFactory(pk=9_999)))


def _without_permission(service):
    user = UserFactory()
    post(user)
    permission = Permission.objects.get(codename="debit_wallet")
    return _debit(ApiClient(user), user.pk, lambda: user.user_permissions.add(permission))


def _of_an_unknown_debit(service):
    user = UserFactory()
    post(user)
    return Refused(service, f"{DEBITS}/sms-1/reverse", {"reason": "x"}, lambda: service.debit(user, reference="sms-1"))


def _without_an_email(service):
    user = UserFactory(email="")
    return _purchase(ApiClient(user), lambda: User.objects.filter(pk=user.pk).update(email="ada@example.com"))


def _without_a_rate(service):
    return _purchase(service, lambda: ExchangeRateFactory(currency="KES", units_per_usd=129), currency="KES")


def _at_an_old_rate(service):
    ExchangeRateFactory(currency="GHS", units_per_usd=15, valid_from=timezone.now() - timedelta(hours=73))
    return _purchase(service, lambda: ExchangeRateFactory(currency="GHS", units_per_usd=15), currency="GHS")


def _too_small(service):
    ExchangeRateFactory(currency="ZAR", units_per_usd=Decimal("0.01"))
    return _purchase(service, lambda: ExchangeRateFactory(currency="ZAR", units_per_usd=18), currency="ZAR")


@pytest.mark.parametrize(
    ("refuse", "status", "code"),
    [
        (_without_credits, 402, "insufficient_credits"),
        (_with_held_credits, 402, "insufficient_credits"),
        (_without_permission, 403, "permission_denied"),
        (_of_an_unknown_user, 404, "user_not_found"),
        (_of_an_unknown_debit, 404, "not_found"),
        (_without_an_email, 422, "email_required"),
        (_without_a_rate, 422, "currency_not_available"),
        (_too_small, 422, "amount_too_small"),
        (_at_an_old_rate, 503, "exchange_rate_stale"),
    ],
)
def test_a_refusal_is_not_stored_and_its_key_does_what_was_asked_once_it_can(service, sandbox, refuse, status, code):
    refused = refuse(service)

    answers = [refused.send() for _ in range(2)]
    refused.cure()
    done, again = refused.send(), refused.send()

    assert [problem(answer) for answer in answers] == [(status, code)] * 2
    assert not any("Idempotent-Replayed" in answer for answer in (*answers, done))
    assert (done.status_code, again.status_code, again.content) == (201, 201, done.content)
    assert again["Idempotent-Replayed"] == "true"


def _used(service, user):
    service.debit(user, "1.00", reference="sms-1")
    return _debit(service, user.pk, None)


def _reserved(service, user):
    return _debit(service, user.pk, None, reference="nmk-1")


def _exceeding(service, user):
    service.debit(user, "1.00", reference="sms-1")
    return Refused(service, f"{DEBITS}/sms-1/reverse", {"amount": "1.0001", "reason": "x"}, None)


@pytest.mark.parametrize(
    ("refuse", "status", "code"),
    [
        (_used, 409, "reference_used"),
        (_reserved, 422, "reference_reserved"),
        (_exceeding, 422, "reversal_exceeds_debit"),
    ],
)
def test_a_refusal_that_cannot_be_cured_is_judged_anew_each_time(service, refuse, status, code):
    user = UserFactory()
    post(user)
    refused = refuse(service, user)

    answers = [refused.send() for _ in range(2)]

    assert [problem(answer) for answer in answers] == [(status, code)] * 2
    assert len({read(answer)["request_id"] for answer in answers}) == 2
    assert not any("Idempotent-Replayed" in answer for answer in answers)


@pytest.mark.parametrize(
    ("spoilt", "status"),
    [({"Authorization": "Bearer x"}, 401), ({"Accept": "text/html"}, 406), ({"Content-Type": "text/plain"}, 415)],
)
def test_a_refusal_of_the_envelope_leaves_the_key_unused(service, spoilt, status):
    user = UserFactory()
    post(user)
    debit = _debit(service, user.pk, None)

    refused = debit.send(**spoilt)
    done = debit.send()

    assert (refused.status_code, done.status_code, done.get("Idempotent-Replayed")) == (status, 201, None)
