"""A refund in trouble: having Paystack asked now, and ending one that was never sent."""

import pytest

from tests.factories.refunds import request as ask
from tests.integration.back_office.conftest import log_in
from tests.integration.back_office.forms import open_form, read_messages, send
from tests.integration.back_office.reading import forget_proof, list_offers, read, words_of
from tests.integration.back_office.refunds.pages import decisions, do, do_late, form_of, page_of, state_of
from tests.unit.payments.services.refunding import move, refund_on_dashboard, submit

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_that_was_lost_may_be_ended(staff, lost):
    offers = [list_offers(staff(role), page_of(lost)) for role in ("Finance", "Support")]

    assert offers == [["Ask Paystack now", "End it as never sent"], ["Ask Paystack now"]]


def test_who_asked_does_not_end_it_either(lost):
    client = log_in(lost.requested_by)

    answer = do_late(client, lost, "never-sent")

    assert list_offers(client, page_of(lost)) == ["Ask Paystack now"]
    assert (answer.status_code, state_of(lost)[0]) == (400, "needs_attention")


def test_asking_paystack_follows_what_it_says(staff, gateway, payment, sent):
    client = staff("Support")
    move(gateway, payment, "processed")

    answer = do(client, sent, "look")

    assert read_messages(answer) == ["Paystack was asked. The refund: sent back."]
    assert state_of(sent)[0] == "processed"
    assert decisions() == [("refund.look", sent.reference, "done")]


def test_asking_counts_for_no_look(staff, gateway, payment):
    refund = ask(payment, "10.00")
    gateway.script(operation="refund", fault="reset_before_accept")
    submit(refund)
    client = staff("Support")

    for _ in range(4):
        do(client, refund, "look")

    refund.refresh_from_db()
    assert (refund.state, refund.checks) == ("unknown", 0)


def test_asking_a_gateway_that_is_away_is_refused_in_words(staff, gateway, sent):
    gateway.script(operation="list_refunds", fault="http_500", times=4)

    answer = do(staff("Support"), sent, "look")

    assert answer.status_code == 400
    assert state_of(sent)[0] == "submitted"


def test_asking_about_one_that_paystack_does_not_have_is_refused(staff, waiting):
    answer = do_late(staff("Support"), waiting, "look")

    assert "Paystack has nothing to say of it" in words_of(answer)


def test_ending_one_that_was_never_sent_gives_the_credits_back(staff, lost):
    client = staff("Finance")

    answer = do(client, lost, "never-sent", comment="Not on the dashboard")

    assert read_messages(answer) == ["Ended: the credits are back, and another refund may be asked for."]
    assert state_of(lost) == ("failed", 250, 0)
    assert decisions() == [("refund.end_unsent", lost.reference, "done")]
    assert "It failed: Not on the dashboard. The money stays" in read(client, page_of(lost))


def test_ending_one_that_paystack_has_after_all_is_refused(staff, gateway, payment, lost):
    client = staff("Finance")
    form = open_form(client, form_of(lost, "never-sent"))
    refund_on_dashboard(gateway, payment, lost.amount_minor, merchant_note=f"Sent by hand for {lost.reference}")

    answer = send(client, form_of(lost, "never-sent"), form, comment="Not there")

    assert "Paystack has it" in words_of(answer)
    assert state_of(lost) == ("submitted", 240, 0)
    assert decisions() == [("refund.end_unsent", lost.reference, "refused")]


def test_a_proof_is_asked_for_before_one_is_ended(staff, lost):
    client = staff("Finance")
    forget_proof(client)

    assert list(do(client, lost, "never-sent").context["form"].errors) == ["proof"]
