"""Where the gateway's books and ours differ, and letting a difference be."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from namaskah.audit.models import AuditEntry
from payments.lifecycles import BreakKind
from payments.models import ReconciliationBreak
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import ReconciliationBreakFactory
from tests.factories.users import StaffFactory
from tests.integration.actors import run_together
from tests.integration.back_office.forms import keep_form_open, open_form, read_form, read_messages, second_tab, send
from tests.integration.back_office.reading import count_queries, list_audit, list_offers, read, words_of

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/payments/reconciliationbreak/"
REASON = {"reason": "Agreed with the bank"}


@pytest.fixture
def found(db):
    """A break about an amount, three days old."""
    payment = PaymentFactory(at="completed")
    return ReconciliationBreakFactory(
        kind="amount",
        payment=payment,
        subject=payment.reference,
        ours="4125000",
        theirs="success 4000000 NGN",
        first_seen_at=timezone.now() - timedelta(days=3, minutes=1),
    )


def page_of(found):
    return f"{LIST}{found.pk}/change/"


def form_of(found):
    return f"{LIST}{found.pk}/dismiss/"


def dismiss(client, found, **fields):
    return send(client, form_of(found), open_form(client, form_of(found)), **REASON | fields)


def close(**fields):
    return ReconciliationBreakFactory(**{"state": "gone", "closed_at": timezone.now()} | fields)


def test_the_list_shows_age_kind_and_both_sides_in_words(staff, found):
    page = read(staff("Finance"), LIST)

    assert f"3 days ago Open The amounts differ {found.subject} 41,250.00 NGN success 40,000.00 NGN" in page


def test_the_open_ones_come_first_the_oldest_on_top(staff, found):
    gone = close(first_seen_at=timezone.now() - timedelta(days=9))
    newer = ReconciliationBreakFactory()

    listed = staff("Operator").get(LIST).context["cl"].result_list

    assert [row.pk for row in listed] == [found.pk, newer.pk, gone.pk]


def test_an_empty_list_says_so(staff):
    assert "Paystack's books and ours have never differed." in read(staff("Auditor"), LIST)


@pytest.mark.parametrize("kind", BreakKind)
def test_the_page_tells_what_to_do_about_each_kind(staff, kind):
    page = read(staff("Operator"), page_of(ReconciliationBreakFactory(kind=kind, payment=PaymentFactory())))

    is_repairable = kind in {BreakKind.STATE, BreakKind.MISSING_HERE}
    assert ("reconcile_payments --fix" in page, "Nothing repairs it by itself" in page) == (
        is_repairable,
        not is_repairable,
    )
    assert "We say completed Paystack says nothing" in page


def test_a_break_of_no_payment_of_ours_is_for_a_person(staff):
    unknown = ReconciliationBreakFactory(kind=BreakKind.MISSING_HERE, subject="T-1")

    assert "Nothing repairs it by itself" in read(staff("Operator"), page_of(unknown))


def test_dismissing_is_offered_while_it_is_open_to_who_may(staff, found):
    gone = close()
    finance = staff("Finance")

    assert list_offers(finance, page_of(found)) == ["Take the break", "Dismiss the break"]
    assert [list_offers(staff(role), page_of(found)) for role in ("Support", "Auditor", "Operator")] == [[], [], []]
    assert list_offers(finance, page_of(gone)) == []


def test_dismissing_closes_it_with_name_and_reason(staff, found):
    client = staff("Finance")

    answer = dismiss(client, found)

    assert read_messages(answer) == ["Dismissed: no run brings it up again while both sides say the same."]
    found.refresh_from_db()
    assert (found.state, found.dismissed_by, found.dismissal_note) == ("dismissed", client.user, REASON["reason"])
    entry = AuditEntry.objects.get(action="break.dismiss")
    assert (entry.actor, entry.subject, entry.reason, entry.after) == (
        client.user,
        found.subject,
        REASON["reason"],
        {"state": "dismissed"},
    )
    page = read(client, page_of(found))
    assert f"Dismissed by {client.user.username} Because Agreed with the bank" in page
    assert "It is closed." in page


@pytest.mark.parametrize("reason", ["", " ", "x" * 301])
def test_dismissing_needs_a_reason(staff, found, reason):
    answer = dismiss(staff("Finance"), found, reason=reason)

    assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["reason"])
    assert (ReconciliationBreak.objects.get().state, list_audit()) == ("open", [])


@pytest.mark.parametrize("role", ["Support", "Operator", "Auditor"])
def test_who_may_not_dismiss_is_refused_and_noted(staff, found, role):
    answer = staff(role).post(form_of(found), REASON)

    assert (answer.status_code, ReconciliationBreak.objects.get().state) == (403, "open")
    assert list_audit() == [("break.dismiss", str(found.pk), "refused")]


def test_what_is_closed_is_not_dismissed(staff):
    gone = close()

    client = staff("Finance")
    form = keep_form_open(client, form_of(gone))

    answer = send(client, form_of(gone), form, **REASON)

    assert (answer.status_code, "only open ones are dismissed" in words_of(answer)) == (400, True)
    assert list_audit() == [("break.dismiss", gone.subject, "refused")]


def test_a_form_that_shows_other_books_does_nothing(staff, found):
    client = staff("Finance")
    form = open_form(client, form_of(found))
    ReconciliationBreak.objects.update(theirs="success 1 NGN")

    answer = send(client, form_of(found), form, **REASON)

    assert ("Something changed" in words_of(answer), "0.01 NGN" in words_of(answer)) == (True, True)
    assert ReconciliationBreak.objects.get().state == "open"
    send(client, form_of(found), read_form(answer), **REASON)
    assert ReconciliationBreak.objects.get().state == "dismissed"


def test_the_same_form_twice_and_from_two_threads_dismisses_once(staff, found):
    client = staff("Finance")
    form = open_form(client, form_of(found))
    tabs = [second_tab(client), second_tab(client)]

    run_together([partial(send, tab, form_of(found), form, **REASON) for tab in tabs])
    again = send(client, form_of(found), form, **REASON)

    assert "This form was sent before" in read_messages(again)[-1]
    assert list_audit() == [("break.dismiss", found.subject, "done")]


def test_two_people_at_once_dismiss_it_once(staff, found):
    clients = [staff("Finance"), staff("Finance")]
    forms = [open_form(client, form_of(found)) for client in clients]

    answers = run_together(
        [partial(send, client, form_of(found), form, **REASON) for client, form in zip(clients, forms, strict=True)]
    )

    assert sorted(answer.status_code for answer in answers) == [302, 400]
    assert [entry for entry in list_audit() if entry[2] == "done"] == [("break.dismiss", found.subject, "done")]


def test_one_that_does_not_exist_leads_back(staff):
    answer = staff("Finance").get(f"{LIST}01a1ffad-91c1-71fa-9fbc-ba458c7d7358/dismiss/")

    assert read_messages(answer) == ["There is no such break."]


def take(client, found, what="take"):
    url = f"{LIST}{found.pk}/{what}/"
    return send(client, url, open_form(client, url))


def test_taking_it_and_handing_it_back_show_on_page_and_list(staff, found):
    client = staff("Finance")

    told = read_messages(take(client, found))
    shown = read(client, page_of(found)), read(staff("Auditor"), LIST), list_offers(client, page_of(found))
    told += read_messages(take(client, found, "hand-back"))

    assert told == [
        "You work on it now; the list shows your name beside it.",
        "Handed back: nobody works on it now.",
    ]
    assert f"Who works on it {client.user.username}" in shown[0]
    assert f"success 40,000.00 NGN {client.user.username}" in shown[1]
    assert shown[2] == ["Hand the break back", "Dismiss the break"]
    assert client.user.username not in read(staff("Auditor"), LIST)
    assert list_audit() == [("break.take", found.subject, "done"), ("break.hand_back", found.subject, "done")]


def test_a_colleague_takes_it_over(staff, found):
    take(staff("Finance"), found)
    client = staff("Finance")

    take(client, found)

    found.refresh_from_db()
    assert found.assigned_to == client.user


def test_the_list_is_narrowed_to_ones_own_and_to_nobodys(staff, found):
    client, nobodys = staff("Finance"), ReconciliationBreakFactory()
    ReconciliationBreakFactory(assigned_to=StaffFactory())
    take(client, found)

    listed = [
        {row.pk for row in client.get(f"{LIST}?assigned={whose}").context["cl"].result_list}
        for whose in ("mine", "nobody")
    ]

    assert listed == [{found.pk}, {nobodys.pk}]
    assert client.get(f"{LIST}?assigned=odd").status_code == 302


@pytest.mark.parametrize("what", ["take", "hand-back"])
@pytest.mark.parametrize("role", ["Support", "Operator", "Auditor"])
def test_who_may_not_take_it_is_refused_and_noted(staff, found, role, what):
    answer = staff(role).post(f"{LIST}{found.pk}/{what}/")

    assert answer.status_code == 403
    assert list_audit() == [(f"break.{what.replace('-', '_')}", str(found.pk), "refused")]


def test_taking_it_twice_with_one_form_and_from_two_threads_takes_it_once(staff, found):
    client, url = staff("Finance"), f"{LIST}{found.pk}/take/"
    form = open_form(client, url)
    tabs = [second_tab(client), second_tab(client)]

    run_together([partial(send, tab, url, form) for tab in tabs])
    again = send(client, url, form)

    assert "This form was sent before" in read_messages(again)[-1]
    assert list_audit() == [("break.take", found.subject, "done")]


def test_two_people_at_once_do_not_take_it_unseen(staff, found):
    clients, url = [staff("Finance"), staff("Finance")], f"{LIST}{found.pk}/take/"
    forms = [open_form(client, url) for client in clients]

    answers = run_together([partial(send, client, url, form) for client, form in zip(clients, forms, strict=True)])

    assert sorted(answer.status_code for answer in answers) == [302, 400]
    assert [entry[0] for entry in list_audit()] == ["break.take"]


def test_queries_do_not_grow_with_the_rows(staff, found):
    client = staff("Finance")
    before = [count_queries(client, url) for url in (LIST, LIST, page_of(found))][1:]

    for _ in range(2):
        ReconciliationBreakFactory(payment=PaymentFactory())
    close(state="dismissed", dismissed_by=StaffFactory(), dismissal_note="Seen", assigned_to=StaffFactory())

    assert [count_queries(client, url) for url in (LIST, page_of(found))] == before
