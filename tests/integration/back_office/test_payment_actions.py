"""What is done on a payment's page: once, by who may, and only if it still makes sense."""

from functools import partial

import pytest
from django.utils import timezone

from billing.models import Transaction
from namaskah.audit.models import AuditEntry, Note
from payments.gateways.paystack import connections
from payments.models import GatewayCall, PaymentLog, Refund, ReviewDecision
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import request
from tests.factories.snapshots import take_snapshot
from tests.integration.actors import run_together
from tests.integration.back_office.forms import keep_form_open, open_form, read_messages, second_tab, send
from tests.integration.back_office.payment_forms import FORMS, LIST, TRACES, WHY, act, form_of
from tests.integration.back_office.reading import list_audit, list_offers, read, words_of
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.purchases import read as reread
from tests.unit.payments.services.reviewing import WORTH_OF_PART, dismiss, hear, resolver, review
from tests.unit.payments.services.told_events import buy

pytestmark = pytest.mark.django_db(transaction=True)

DONE = {
    "verify": "payment.verify",
    "credit": "review.credit",
    "dismiss": "review.dismiss",
    "refund": "refund.request",
    "note": "note.add",
}


@pytest.fixture
def odd(sandbox):
    """12.1212 of 25 credits were paid, and a person must look; every form is offered for it."""
    return review(sandbox)


def traces_of(what):
    """What the form has changed: rows of money, decisions and notes."""
    return {
        "verify": GatewayCall.objects.filter(operation="verify").count() - 1,
        "credit": Transaction.objects.count(),
        "dismiss": ReviewDecision.objects.count(),
        "refund": Refund.objects.count(),
        "note": Note.objects.count(),
    }[what]


@pytest.mark.parametrize("what", FORMS)
def test_a_form_acts_and_writes_its_audit_entry(what, staff, odd):
    client = staff(FORMS[what][0])

    answer = act(client, odd, what)

    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}{odd.pk}/change/")
    assert traces_of(what) == 1
    entry = AuditEntry.objects.get(action=DONE[what])
    assert (entry.actor, entry.outcome) == (client.user, "done")
    assert entry.request_id


@pytest.mark.parametrize("what", FORMS)
def test_a_form_is_not_for_every_role(what, staff, odd):
    client = staff(FORMS[what][1])
    before = take_snapshot(without=TRACES)

    answers = [client.get(form_of(odd, what)), client.post(form_of(odd, what), FORMS[what][2])]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert take_snapshot(without=TRACES) == before
    assert {outcome for _, _, outcome in list_audit()} == {"refused"}


@pytest.mark.parametrize("what", FORMS)
def test_a_form_sent_twice_acts_once(what, staff, odd):
    client = staff(FORMS[what][0])
    form = open_form(client, form_of(odd, what))

    answers = [send(client, form_of(odd, what), form, **FORMS[what][2]) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert traces_of(what) == 1
    assert "This form was sent before" in " ".join(read_messages(answers[1]))


@pytest.mark.parametrize("what", FORMS)
def test_a_form_sent_from_two_tabs_at_once_acts_once(what, staff, odd):
    client = staff(FORMS[what][0])
    form = open_form(client, form_of(odd, what))
    tabs = [second_tab(client) for _ in range(2)]

    answers = run_together([partial(send, tab, form_of(odd, what), form, **FORMS[what][2]) for tab in tabs])

    assert [answer.status_code for answer in answers] == [302, 302]
    assert traces_of(what) == 1
    assert AuditEntry.objects.filter(action=DONE[what], outcome="done").count() == 1


@pytest.mark.parametrize("what", ["credit", "dismiss", "refund"])
def test_two_members_at_once_have_one_effect(what, staff, odd):
    clients = [staff("Finance"), staff("Finance")]
    url = form_of(odd, what)
    sends = [partial(send, client, url, open_form(client, url), **FORMS[what][2]) for client in clients]

    answers = run_together(sends)

    assert sorted(answer.status_code for answer in answers) == [302, 400]
    assert traces_of(what) == 1


@pytest.mark.parametrize("what", ["verify", "credit", "dismiss", "refund"])
def test_a_form_that_shows_what_is_no_more_does_nothing(what, staff, odd):
    client = staff("Finance")
    form = open_form(client, form_of(odd, what))
    request(odd, "5")
    before = take_snapshot(without=TRACES)

    answer = send(client, form_of(odd, what), form, **FORMS[what][2])

    assert answer.status_code == 400
    assert "Something changed since you opened this page" in words_of(answer)
    assert take_snapshot(without=TRACES) == before


@pytest.mark.parametrize("what", ["credit", "dismiss"])
def test_a_review_that_somebody_ended_meanwhile_is_refused_in_words(what, staff, odd):
    dismiss(odd, by=resolver())
    client = staff("Finance")
    before = take_snapshot(without=TRACES)

    answer = act(client, odd, what, keep_form_open)

    assert answer.status_code == 400
    assert "This payment is processing and not under review." in words_of(answer)
    assert take_snapshot(without=TRACES) == before
    entry = AuditEntry.objects.get(outcome="refused")
    assert (entry.action, entry.subject) == (DONE[what], odd.reference)


@pytest.mark.parametrize("what", ["credit", "dismiss"])
def test_nobody_ends_the_review_of_their_own_payment(what, staff, sandbox):
    client = staff("Finance")
    own = review(sandbox, amount_minor=2_000_000, purchase={"user": client.user})

    answer = act(client, own, what, keep_form_open)

    assert answer.status_code == 400
    assert "Nobody decides about their own payment." in words_of(answer)
    assert (balance(client.user), ReviewDecision.objects.count()) == (0, 0)


@pytest.mark.parametrize("role", ["Support", "superuser"])
def test_nobody_sends_back_what_they_paid_themselves(role, staff, superuser):
    client, colleague = (superuser if role == "superuser" else staff(role)), staff("Support")
    own = PaymentFactory(at="completed", user=client.user)
    before = take_snapshot(without=TRACES)

    sent = act(client, own, "refund", keep_form_open)
    opened = client.get(form_of(own, "refund"))

    assert (sent.status_code, "Nobody sends back what they paid themselves" in words_of(sent)) == (400, True)
    assert "a colleague has to" in read_messages(opened)[0]
    assert "Refund" not in list_offers(client, f"{LIST}{own.pk}/change/")
    assert "Refund" in list_offers(colleague, f"{LIST}{own.pk}/change/")
    assert take_snapshot(without=TRACES) == before
    assert ("refund.request", own.reference, "refused") in list_audit()


def test_verify_credits_what_was_paid_and_says_so(staff, sandbox):
    payment = buy()
    sandbox.pay(payment.reference, deliveries=0)
    client = staff("Support")

    told = read_messages(act(client, payment, "verify"))

    assert told == ["Paystack was asked. It was paid: 25.00 credits were given."]
    step = reread(payment).state_transitions[-1]
    assert (step["to"], step["source"], step["by"]) == ("completed", "admin", client.user.username)
    assert GatewayCall.objects.get(operation="verify").request_id == step["request_id"] != ""


@pytest.mark.parametrize(
    ("paid", "told"),
    [
        (None, "Nothing has changed."),
        ({"outcome": "failed"}, "The payment: failed."),
        ({"amount_minor": 2_000_000}, "What it says does not fit: the payment is under review now."),
    ],
)
def test_verify_says_what_came_of_it(paid, told, staff, sandbox):
    payment = buy()
    if paid is not None:
        sandbox.pay(payment.reference, deliveries=0, **paid)

    assert read_messages(act(staff("Operator"), payment, "verify")) == [f"Paystack was asked. {told}"]


def test_verify_while_paystack_is_away_says_so_and_can_be_sent_again(staff, sandbox, settings):
    payment = buy()
    client = staff("Support")
    form = open_form(client, form_of(payment, "verify"))
    settings.PAYSTACK_BASE_URL, usual = "http://127.0.0.1:1", settings.PAYSTACK_BASE_URL
    connections.close_connections()

    answer = send(client, form_of(payment, "verify"), form)

    assert answer.status_code == 400
    # That it was asked stands in the log, and that no answer came.
    assert [outcome for action, _, outcome in list_audit() if action == "payment.verify"] == ["done", "refused"]
    settings.PAYSTACK_BASE_URL = usual
    connections.close_connections()
    assert send(client, form_of(payment, "verify"), form).status_code == 302


def test_credit_gives_what_was_really_paid(staff, odd):
    client = staff("Finance")
    page = read(client, form_of(odd, "credit"))

    told = read_messages(act(client, odd, "credit"))

    assert "Asked for 25.00 USD as 41,250.00 NGN Paid 20,000.00 NGN Worth at most 12.1212 credits" in page
    assert told == ["12.1212 credits were given; the review is ended."]
    assert balance(odd.user) == WORTH_OF_PART
    entry = AuditEntry.objects.get(action="review.credit")
    assert (entry.reason, entry.subject) == (WHY["note"], odd.reference)
    assert entry.before == {"state": "processing", "review_reason": "partial_debit"}
    assert entry.after == {"state": "completed", "review_reason": "", "credits": "12.1212"}


def test_dismiss_leaves_the_money_where_it_is(staff, odd):
    told = read_messages(act(staff("Finance"), odd, "dismiss"))

    assert told == ["The review is dismissed; no credits have moved."]
    assert (reread(odd).review_reason, balance(odd.user)) == ("", 0)
    assert AuditEntry.objects.get(action="review.dismiss").after == {
        "state": "processing",
        "review_reason": "",
        "credits": None,
    }


def test_note_is_kept_with_its_author_and_can_be_added_whatever_happens(staff):
    payment = PaymentFactory()
    client = staff("Operator")
    form = open_form(client, form_of(payment, "note"))
    PaymentLog.objects.filter(pk=payment.pk).update(lock_version=payment.lock_version + 1)

    told = read_messages(send(client, form_of(payment, "note"), form, text="  Called twice. "))

    note = Note.objects.get()
    assert told == ["The note is kept, and stands in the timeline."]
    assert (note.subject, note.text, note.author) == (payment.reference, "Called twice.", client.user)
    assert ("note.add", payment.reference, "done") in list_audit()


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
def test_note_that_says_nothing_or_too_much_is_refused(text, staff):
    answer = act(staff("Operator"), PaymentFactory(), "note", text=text)

    assert answer.status_code == 400
    assert not Note.objects.exists()


@pytest.mark.parametrize("what", ["credit", "dismiss", "refund"])
def test_what_moves_money_asks_for_a_proof_after_a_while(what, staff, odd):
    client = staff("Finance")
    session = client.session
    session["proved_at"] = timezone.now().timestamp() - 16 * 60
    session.save()

    answer = act(client, odd, what)

    assert answer.status_code == 400
    assert "proof" in answer.context["form"].errors
    assert traces_of(what) == 0


@pytest.mark.parametrize("what", FORMS)
def test_a_form_about_no_payment_leads_to_the_start(what, superuser):
    missing = PaymentFactory.build()

    assert superuser.get(form_of(missing, what)).status_code == 302
    assert superuser.post(form_of(missing, what), {}).status_code == 302


def test_a_late_success_that_fits_ends_the_review_before_the_form_does(staff, odd):
    """What Paystack says meanwhile is acted upon, and the form that shows the review does nothing."""
    client = staff("Finance")
    form = open_form(client, form_of(odd, "dismiss"))
    hear(odd, amount_minor=odd.amount_minor, requested_amount_minor=odd.amount_minor)

    answer = send(client, form_of(odd, "dismiss"), form, **WHY)

    assert answer.status_code == 400
    assert (reread(odd).state, ReviewDecision.objects.count()) == ("completed", 0)
