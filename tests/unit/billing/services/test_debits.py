"""What the HTTP tests cannot reach: the database's own refusals, and a process that comes back late."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.utils import timezone

from billing.models import Transaction
from billing.selectors import debits as debit_selectors
from billing.services import debits
from billing.services.debits import Debit, ReferenceUsedError
from namaskah.idempotency.claims import RequestInProgressError, claim_key
from namaskah.idempotency.models import IdempotencyKey
from tests.factories.billing import post
from tests.factories.users import ServiceAccountFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def service():
    return ServiceAccountFactory()


@pytest.fixture
def customer():
    user = UserFactory()
    post(user, amount=Decimal(10))
    return user


def claim_for(user, key=None):
    return claim_key(
        user=user, key=key or uuid4(), method="POST", route="/api/v1/billing/debits", body={}, now=timezone.now()
    )


def take(customer, service, claim, *, reference="sms-1", amount="1.5000"):
    debit = Debit(user_id=customer.pk, amount=Decimal(amount), reference=reference, service="sms")
    return debits.debit_wallet(debit=debit, by=service, claim=claim, request_id="r-1", now=timezone.now())


def give_back(service, claim, *, amount=None):
    return debits.reverse_debit(
        reference="sms-1",
        amount=amount,
        reason="not served",
        by=service,
        claim=claim,
        request_id="r",
        now=timezone.now(),
    )


def let_lease_run_out(settings):
    settings.IDEMPOTENCY_LEASE_SECONDS = 0


def test_debit_wallet_notes_in_the_same_transaction_how_far_the_key_came(customer, service):
    claim = claim_for(service)

    entry = take(customer, service, claim)

    row = IdempotencyKey.objects.get()
    assert (row.recovery_point, row.resource) == ("entry_posted", "sms-1")
    assert (entry.created_by_id, entry.idempotency_key, entry.counter_account) == (service.pk, claim.key, "revenue:sms")
    assert entry.request_id == "r-1"


def test_debit_wallet_of_a_claim_that_was_taken_over_takes_nothing(customer, service, settings):
    late = claim_for(service)
    let_lease_run_out(settings)
    claim_for(service, late.key)

    with pytest.raises(RequestInProgressError):
        take(customer, service, late)

    assert Transaction.objects.filter(type="debit").count() == 0


def test_debit_wallet_of_a_process_that_comes_back_after_another_did_its_work_returns_the_others_entry(
    customer, service, settings
):
    late = claim_for(service)
    let_lease_run_out(settings)
    done = take(customer, service, claim_for(service, late.key))

    entry = take(customer, service, late)

    assert entry == done
    assert Transaction.objects.filter(type="debit").count() == 1


def test_debit_wallet_reference_that_was_used_since_it_looked_is_refused_by_the_database(
    customer, service, monkeypatch
):
    other = UserFactory()
    post(other, amount=Decimal(10))
    take(other, service, claim_for(service))
    monkeypatch.setattr(debit_selectors, "find_entry", lambda _reference: None)

    with pytest.raises(ReferenceUsedError):
        take(customer, service, claim_for(service))

    assert Transaction.objects.filter(type="debit").count() == 1


def test_debit_wallet_another_refusal_of_the_database_is_not_taken_for_a_used_reference(customer, service, monkeypatch):
    claim = claim_for(service)
    take(customer, service, claim)
    monkeypatch.setattr(debit_selectors, "find_entry_of_key", lambda **_: None)

    with pytest.raises(IntegrityError, match="billing_transaction_key_once"):
        take(customer, service, claim, reference="sms-2")


def test_reverse_debit_of_a_process_that_comes_back_returns_what_was_given(customer, service, settings):
    take(customer, service, claim_for(service))
    late = claim_for(service)
    let_lease_run_out(settings)
    given = give_back(service, claim_for(service, late.key))

    entry = give_back(service, late)

    assert entry == given
    assert entry.amount == Decimal("1.5000")
    assert Transaction.objects.filter(type="reversal").count() == 1


def test_debit_wallet_used_reference_tells_its_owner_what_it_was_used_for(customer, service):
    take(customer, service, claim_for(service), amount="1.5000")

    with pytest.raises(ReferenceUsedError) as refusal:
        take(customer, service, claim_for(service), amount="9.0000")

    assert refusal.value.detail == (
        f"You took 1.50 from user {customer.pk} under this reference before; nothing was taken now."
    )


def test_debit_wallet_used_reference_tells_another_account_nothing_of_it(customer, service):
    take(customer, service, claim_for(service))
    other = ServiceAccountFactory()

    with pytest.raises(ReferenceUsedError) as refusal:
        take(customer, other, claim_for(other))

    assert refusal.value.detail == "Another account has used this reference; nothing was taken."
