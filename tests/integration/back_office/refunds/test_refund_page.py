"""A refund's page: its story, the decision of a second person, and help for one in trouble."""

from functools import partial

import pytest

from namaskah.audit.models import AuditEntry
from payments.models import Refund
from tests.factories.disputes import open_dispute
from tests.factories.refunds import request as ask
from tests.factories.users import StaffFactory
from tests.integration.actors import run_together
from tests.integration.back_office.conftest import log_in
from tests.integration.back_office.forms import open_form, read_form, read_messages, second_tab, send
from tests.integration.back_office.reading import count_queries, forget_proof, list_offers, read, words_of
from tests.integration.back_office.refunds.pages import BIG, LIST, decisions, do, do_late, form_of, page_of, state_of
from tests.unit.payments.services.refunding import buy, move, refund_on_dashboard, submit, sync

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_page_tells_what_goes_back_why_and_what_can_be_done(staff, waiting):
    page = read(staff("Finance"), page_of(waiting))

    for words in (
        f"Refund {waiting.reference}",
        f"State Waits for approval Payment {waiting.payment.reference} Customer ada",
        "To the payer 247,500.00 NGN (150.00 USD, at the payment's rate of 1,650)",
        "Credits 150.00 are held Reason Asked for by the customer. Asked by sam",
        "Decided by nobody yet",
        "a colleague who may approve refunds decides",
        "Waits for approval Asked for",
    ):
        assert words in page


def test_the_page_is_found_by_the_reference_too(staff, waiting):
    client = staff("Support")

    assert f"Refund {waiting.reference}" in read(client, f"{LIST}{waiting.reference}/change/")
    assert client.get(f"{LIST}rfd-{'0' * 36}/change/").status_code == 302


def test_the_timeline_tells_steps_and_calls_in_order(staff, gateway, payment, sent):
    move(gateway, payment, "processed")
    sync(payment)
    submit(ask(payment, "5.00"))

    moments = staff("Support").get(page_of(sent)).context["moments"]

    assert [moment.title for moment in moments] == [
        "Sent next",
        "Being sent",
        "Paystack was told to send it",
        "At Paystack",
        "Paystack was asked for its refunds",
        "Sent back",
    ]


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("needs-attention", "wants the payer's bank account"),
        ("failed", "It failed: Paystack could not send it. The money stays, and the credits are back."),
        ("processed", "The money went back to the payer."),
    ],
)
def test_the_page_says_what_paystack_wants(staff, gateway, payment, sent, status, wanted):
    move(gateway, payment, status)
    sync(payment)

    assert wanted in read(staff("Support"), page_of(sent))


def test_the_page_of_one_that_failed_while_disputed_says_that_the_dispute_decides(staff, gateway, payment, sent):
    open_dispute(gateway, payment)
    move(gateway, payment, "failed")
    sync(payment)

    assert "The dispute decides where the money stays" in read(staff("Support"), page_of(sent))


def test_the_page_of_one_made_at_paystack_says_so(staff, gateway, payment):
    refund_on_dashboard(gateway, payment, 1_650_000)
    refund = sync(payment)[0]

    assert "Asked by somebody at Paystack" in read(staff("Support"), page_of(refund))


def test_only_what_makes_sense_is_offered_to_who_may(staff, gateway, waiting, payment):
    finance, support, auditor = staff("Finance"), staff("Support"), staff("Auditor")
    before = [list_offers(client, page_of(waiting)) for client in (finance, support, auditor)]
    do(finance, waiting, "approve")
    approved = list_offers(finance, page_of(waiting))
    submit(waiting)
    sent = [list_offers(client, page_of(waiting)) for client in (finance, support, auditor)]
    move(gateway, payment, "processed")
    sync(payment)

    assert before == [["Approve the refund", "Reject the refund"], [], []]
    assert (approved, sent) == ([], [["Ask Paystack now"], ["Ask Paystack now"], []])
    assert list_offers(finance, page_of(waiting)) == []


@pytest.mark.parametrize("who", ["asked", "owner"])
@pytest.mark.parametrize("what", ["approve", "reject"])
def test_neither_who_asked_nor_the_payer_decides_superusers_included(gateway, payment, who, what):
    user = StaffFactory()
    paid = payment if who == "asked" else buy(gateway, user=user, **BIG)
    refund = ask(paid, "150.00", by=user if who == "asked" else StaffFactory())
    client = log_in(user)
    before = state_of(refund)

    answer = do_late(client, refund, what)

    assert list_offers(client, page_of(refund)) == []
    assert (answer.status_code, "another person must decide" in words_of(answer)) == (400, True)
    assert state_of(refund) == before
    assert decisions()[-1] == (f"refund.{what}", refund.reference, "refused")


def test_approving_takes_the_credits_and_lets_it_go(staff, waiting):
    client = staff("Finance")

    answer = do(client, waiting, "approve", comment="")

    assert read_messages(answer) == ["Approved: a worker sends 247,500.00 NGN to Paystack within seconds."]
    assert state_of(waiting) == ("approved", 100, 0)
    entry = AuditEntry.objects.get(action="refund.approve")
    assert (entry.actor, entry.subject, entry.before) == (
        client.user,
        waiting.reference,
        {"state": "awaiting_approval"},
    )
    assert entry.after == {
        "state": "approved",
        "payment": waiting.payment.reference,
        "amount": "247500.00 NGN",
        "credits": "150.00",
    }
    step = Refund.objects.get(pk=waiting.pk).state_transitions[-1]
    assert (step["by"], step["source"], step["request_id"]) == (client.user.username, "admin", entry.request_id)


def test_rejecting_frees_the_credits_and_needs_a_reason(staff, waiting):
    client = staff("Finance")

    refused = do(client, waiting, "reject", comment="")
    answer = send(client, form_of(waiting, "reject"), read_form(refused), comment="Already served")

    assert list(refused.context["form"].errors) == ["comment"]
    assert read_messages(answer) == ["Rejected: no money goes back, and the held credits are free again."]
    assert state_of(waiting) == ("rejected", 250, 0)
    assert decisions() == [("refund.reject", waiting.reference, "done")]
    assert "Already served" in read(client, page_of(waiting))


def test_approving_what_is_disputed_meanwhile_is_refused(staff, gateway, waiting):
    client = staff("Finance")
    open_dispute(gateway, waiting.payment)

    answer = do(client, waiting, "approve")

    assert (answer.status_code, "The payer's bank disputes this payment" in words_of(answer)) == (400, True)
    assert state_of(waiting)[0] == "awaiting_approval"
    assert decisions() == [("refund.approve", waiting.reference, "refused")]


@pytest.mark.parametrize("role", ["Support", "Operator", "Auditor"])
@pytest.mark.parametrize("what", ["approve", "reject", "never-sent"])
def test_who_may_not_decide_is_refused_and_noted(staff, waiting, role, what):
    before = state_of(waiting)

    answer = staff(role).post(form_of(waiting, what), {"comment": "Please"})

    assert (answer.status_code, state_of(waiting)) == (403, before)
    assert decisions() == [(f"refund.{what.replace('never-sent', 'end_unsent')}", str(waiting.pk), "refused")]


def test_what_was_decided_is_not_decided_again(staff, waiting):
    client, other = staff("Finance"), staff("Finance")
    form = open_form(other, form_of(waiting, "reject"))
    do(client, waiting, "approve")

    stale = send(other, form_of(waiting, "reject"), form, comment="Late")
    again = send(other, form_of(waiting, "reject"), read_form(stale), comment="Late")

    assert ("Something changed" in words_of(stale), "it was decided before" in words_of(again)) == (True, True)
    assert state_of(waiting) == ("approved", 100, 0)


def test_the_same_form_twice_and_from_two_threads_approves_once(staff, waiting):
    client = staff("Finance")
    form = open_form(client, form_of(waiting, "approve"))
    tabs = [second_tab(client), second_tab(client)]

    answers = run_together([partial(send, tab, form_of(waiting, "approve"), form, comment="") for tab in tabs])
    again = send(client, form_of(waiting, "approve"), form, comment="")

    assert [answer.status_code for answer in answers] == [302, 302]
    assert "This form was sent before" in read_messages(again)[-1]
    assert state_of(waiting) == ("approved", 100, 0)
    assert decisions() == [("refund.approve", waiting.reference, "done")]


def test_approval_and_rejection_at_once_have_one_effect(staff, waiting):
    whats = ["approve", "reject"]
    clients = [staff("Finance"), staff("Finance")]
    forms = [open_form(client, form_of(waiting, what)) for client, what in zip(clients, whats, strict=True)]

    answers = run_together(
        [
            partial(send, client, form_of(waiting, what), form, comment="Now")
            for client, what, form in zip(clients, whats, forms, strict=True)
        ]
    )

    assert sorted(answer.status_code for answer in answers) == [302, 400]
    assert state_of(waiting) in [("approved", 100, 0), ("rejected", 250, 0)]


@pytest.mark.parametrize(("what", "fields"), [("approve", ["proof"]), ("reject", ["proof"]), ("look", [])])
def test_a_proof_is_asked_for_when_it_is_old_by_what_moves_money(staff, waiting, what, fields):
    client = staff("Finance")
    forget_proof(client)
    before = state_of(waiting)

    answer = do_late(client, waiting, what)

    assert ([name for name in answer.context["form"].errors if name == "proof"], state_of(waiting)) == (fields, before)


def test_one_that_does_not_exist_leads_back(staff):
    answer = staff("Finance").get(f"{LIST}01a1ffad-91c1-71fa-9fbc-ba458c7d7358/approve/")

    assert read_messages(answer) == ["There is no such refund."]


def test_the_list_is_human_and_narrowed_by_state(staff, waiting, gateway):
    other = submit(ask(buy(gateway)))
    client = staff("Auditor")

    page = read(client, LIST)
    narrowed = client.get(LIST, {"state__exact": "submitted"}).context["cl"].result_list

    assert ("Waits for approval 247,500.00 NGN 150.00" in page, "At Paystack 41,250.00 NGN" in page) == (True, True)
    assert [row.pk for row in narrowed] == [other.pk]


@pytest.mark.parametrize("name", ["reference", "payment", "username"])
def test_a_refund_is_found_by(staff, waiting, gateway, name):
    ask(buy(gateway))
    terms = {"reference": waiting.reference, "payment": waiting.payment.reference, "username": "ada"}

    found = staff("Support").get(LIST, {"q": terms[name]}).context["cl"].result_list

    assert [row.pk for row in found] == [waiting.pk]


def test_queries_do_not_grow_with_the_rows(staff, waiting, payment, gateway):
    client = staff("Finance")
    before = [count_queries(client, url) for url in (LIST, LIST, page_of(waiting))][1:]

    ask(payment, "1.00")
    submit(ask(buy(gateway)))

    assert [count_queries(client, url) for url in (LIST, page_of(waiting))] == before
