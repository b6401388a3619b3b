"""An adjustment's page, and the decision of a second person about it."""

from decimal import Decimal
from functools import partial

import pytest
from django.contrib.auth.models import Group

from billing.models import CreditAdjustment, Transaction, Wallet
from namaskah.audit.models import AuditEntry
from namaskah.back_office import staff as staff_accounts
from tests.factories.billing import post
from tests.factories.people import CreditAdjustmentFactory, ask, reject
from tests.factories.refunds import place
from tests.factories.users import StaffFactory, UserFactory
from tests.integration.actors import run_together
from tests.integration.back_office.conftest import log_in
from tests.integration.back_office.forms import keep_form_open, open_form, read_form, read_messages, second_tab, send
from tests.integration.back_office.reading import count_queries, forget_proof, list_audit, list_offers, read, words_of

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/billing/creditadjustment/"
BOTH = ["Approve the adjustment", "Reject the adjustment"]


@pytest.fixture
def asker(db):
    """A member of the support who asks for adjustments."""
    user = UserFactory(username="sam", is_staff=True)
    user.groups.add(Group.objects.get(name="Support"))
    return user


@pytest.fixture
def ada(db):
    user = UserFactory(username="ada")
    post(user, amount=Decimal(100))
    return user


@pytest.fixture
def waiting(asker, ada):
    """75 credits for Ada that wait for a second person."""
    return ask(ada, "75", by=asker, ticket="T-7", note="An outage")


def page_of(adjustment):
    return f"{LIST}{adjustment.pk}/change/"


def form_of(adjustment, what):
    return f"{LIST}{adjustment.pk}/{what}/"


def decide(client, adjustment, what="approve", open_it=open_form, **fields):
    url = form_of(adjustment, what)
    return send(client, url, open_it(client, url), **{"comment": "Seen the ticket"} | fields)


def state_of(adjustment):
    adjustment.refresh_from_db()
    return adjustment.state, Wallet.objects.get(user=adjustment.user).balance


def test_the_page_tells_who_asked_for_what_and_why_and_what_it_does(staff, waiting):
    page = read(staff("Finance"), page_of(waiting))

    for words in (
        f"Adjustment {waiting.reference}",
        "State Waits for approval Customer ada Wallet Wallet of ada",
        "Credits Give 75.00 Balance 100.00 → 175.00 Reason Goodwill Ticket T-7 Note An outage Asked by sam",
        "a colleague who may approve adjustments decides",
        "Asked for Give 75.00: An outage",
    ):
        assert words in page


def test_the_page_of_a_posted_one_shows_the_balance_as_it_was_then(staff, waiting, ada):
    decide(staff("Finance"), waiting, comment="Seen the ticket")
    post(ada, amount=Decimal(1))

    page = read(staff("Support"), page_of(waiting))

    for words in ("State Posted", "Balance 100.00 → 175.00", "Approved Seen the ticket", "the credits have moved"):
        assert words in page


def test_the_page_of_a_debit_that_is_no_longer_covered_says_so(staff, asker, ada):
    debit = ask(ada, "-75", by=asker)
    place(ada, 30)

    page = read(staff("Finance"), page_of(debit))

    assert "100.00 → 25.00; it cannot be posted now, because only 70.00 are available." in page


def test_the_page_of_one_for_a_customer_without_a_wallet(staff):
    assert "Balance 0.00 → 10.00" in read(staff("Finance"), page_of(CreditAdjustmentFactory()))


def test_deciding_is_offered_while_it_waits_to_others_who_may(staff, waiting, asker):
    finance = staff("Finance")

    assert list_offers(finance, page_of(waiting)) == BOTH
    assert [list_offers(staff(role), page_of(waiting)) for role in ("Support", "Auditor")] == [[], []]
    decide(finance, waiting)
    assert list_offers(staff("Finance"), page_of(waiting)) == []


def test_deciding_is_never_offered_to_who_asked_or_whose_wallet_it_is_superusers_included(ada):
    asked, owner = StaffFactory(), StaffFactory()
    of_asked = ask(ada, "75", by=asked)
    of_owner = ask(owner, "75", by=StaffFactory())

    offers = [list_offers(log_in(user), page_of(row)) for user, row in ((asked, of_asked), (owner, of_owner))]

    assert offers == [[], []]


@pytest.mark.parametrize("what", ["approve", "reject"])
@pytest.mark.parametrize("who", ["asked", "owner"])
def test_the_service_refuses_them_too(ada, what, who):
    user = StaffFactory()
    adjustment = ask(ada, "75", by=user) if who == "asked" else ask(user, "75", by=StaffFactory())
    before = Transaction.objects.count()

    answer = decide(log_in(user), adjustment, what, keep_form_open)

    assert (answer.status_code, "another must decide" in words_of(answer)) == (400, True)
    assert state_of(adjustment)[0] == "awaiting_approval"
    assert Transaction.objects.count() == before
    assert list_audit()[1:] == [(f"adjustment.{what}", adjustment.reference, "refused")]


def test_approving_posts_it(staff, waiting):
    client = staff("Finance")

    answer = decide(client, waiting)

    assert read_messages(answer) == [f"Approved: 75.00 credits moved ({waiting.reference})."]
    assert state_of(waiting) == ("posted", 175)
    assert (waiting.decided_by, waiting.decision_comment) == (client.user, "Seen the ticket")
    entry = AuditEntry.objects.get(action="adjustment.approve")
    assert (entry.actor, entry.subject, entry.reason, entry.outcome) == (client.user, "ada", "Seen the ticket", "done")


def test_approving_needs_no_comment_and_rejecting_does(staff, waiting):
    client = staff("Finance")

    refused = decide(client, waiting, "reject", comment=" ")

    assert (refused.status_code, list(refused.context["form"].errors)) == (400, ["comment"])
    assert decide(client, waiting, comment="").status_code == 302


def test_rejecting_moves_nothing(staff, waiting):
    client = staff("Finance")

    answer = decide(client, waiting, "reject", comment="No such outage")

    assert read_messages(answer) == [f"Rejected: no credits moved ({waiting.reference})."]
    assert state_of(waiting) == ("rejected", 100)
    assert (waiting.decided_by, waiting.decision_comment) == (client.user, "No such outage")
    assert list_audit()[1:] == [("adjustment.reject", "ada", "done")]
    assert "Rejected No such outage" in read(client, page_of(waiting))


def test_approving_a_debit_that_is_no_longer_covered_is_refused(staff, asker, ada):
    debit = ask(ada, "-75", by=asker)
    place(ada, 30)

    answer = decide(staff("Finance"), debit)

    assert (answer.status_code, state_of(debit)) == (400, ("awaiting_approval", 100))
    assert list_audit()[-1] == ("adjustment.approve", debit.reference, "refused")


@pytest.mark.parametrize("role", ["Support", "Operator", "Auditor"])
@pytest.mark.parametrize("what", ["approve", "reject"])
def test_who_may_not_decide_is_refused_and_noted(staff, waiting, role, what):
    answer = staff(role).post(form_of(waiting, what), {"comment": "Please"})

    assert (answer.status_code, state_of(waiting)) == (403, ("awaiting_approval", 100))
    assert list_audit()[1:] == [(f"adjustment.{what}", str(waiting.pk), "refused")]


@pytest.mark.parametrize("what", ["approve", "reject"])
def test_a_superuser_has_no_puppet_decide(what):
    """An account that they added, with a password that they set, is no second person."""
    superuser, grace = StaffFactory(), UserFactory()
    puppet = staff_accounts.add_member(username="puppet", email="p@example.com", role="Finance", by=superuser)
    made, client = ask(grace, "75", by=superuser), log_in(puppet)

    sent = decide(client, made, what, open_it=keep_form_open)
    opened = client.get(form_of(made, what))

    told = f"{superuser.username} had a hand in your account within the last 30 days (staff.add)"
    assert (sent.status_code, told in words_of(sent), told in read_messages(opened)[0]) == (400, True, True)
    assert CreditAdjustment.objects.get().state == "awaiting_approval"
    assert list_audit()[-1] == (f"adjustment.{what}", made.reference, "refused")


@pytest.mark.parametrize("second", ["approve", "reject"])
def test_what_was_decided_is_not_decided_again(staff, waiting, second):
    client, other = staff("Finance"), staff("Finance")
    form = open_form(other, form_of(waiting, second))
    decide(client, waiting)

    stale = send(other, form_of(waiting, second), form, comment="Late")
    again = send(other, form_of(waiting, second), read_form(stale), comment="Late")

    assert (stale.status_code, "Something changed" in words_of(stale)) == (400, True)
    assert (again.status_code, "it was decided before" in words_of(again)) == (400, True)
    assert state_of(waiting) == ("posted", 175)


def test_a_form_that_shows_an_old_effect_does_nothing(staff, waiting, ada):
    client = staff("Finance")
    form = open_form(client, form_of(waiting, "approve"))
    post(ada, amount=Decimal(1))

    answer = send(client, form_of(waiting, "approve"), form, comment="")

    assert (answer.status_code, "101.00 → 176.00" in words_of(answer)) == (400, True)
    assert state_of(waiting)[0] == "awaiting_approval"


def test_the_same_form_twice_posts_once(staff, waiting):
    client = staff("Finance")
    form = open_form(client, form_of(waiting, "approve"))

    answers = [send(client, form_of(waiting, "approve"), form, comment="") for _ in range(2)]

    assert "This form was sent before" in read_messages(answers[1])[-1]
    assert state_of(waiting) == ("posted", 175)


def test_the_same_form_from_two_threads_posts_once(staff, waiting):
    client = staff("Finance")
    form = open_form(client, form_of(waiting, "approve"))
    tabs = [second_tab(client), second_tab(client)]

    run_together([partial(send, tab, form_of(waiting, "approve"), form, comment="") for tab in tabs])

    assert state_of(waiting) == ("posted", 175)
    assert Transaction.objects.filter(reference=waiting.reference).count() == 1


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
    assert state_of(waiting) in [("posted", 175), ("rejected", 100)]
    assert [outcome for _, _, outcome in list_audit()].count("done") == 2


@pytest.mark.parametrize("what", ["approve", "reject"])
def test_a_proof_is_asked_for_when_it_is_old(staff, waiting, what):
    client = staff("Finance")
    forget_proof(client)

    answer = decide(client, waiting, what)

    assert (list(answer.context["form"].errors), state_of(waiting)) == (["proof"], ("awaiting_approval", 100))


def test_one_that_does_not_exist_leads_back(staff):
    answer = staff("Finance").get(f"{LIST}01a1ffad-91c1-71fa-9fbc-ba458c7d7358/approve/")

    assert read_messages(answer) == ["There is no such adjustment."]


def test_the_list_says_states_in_words_and_filters_them(staff, waiting, ada, asker):
    rejected = reject(ask(ada, "-80", by=asker), StaffFactory())
    client = staff("Auditor")

    whole = read(client, LIST)
    filtered = client.get(LIST, {"state__exact": "rejected"}).context["cl"].result_list

    assert ("Waits for approval" in whole, "Take 80.00" in whole, "Give 75.00" in whole) == (True, True, True)
    assert [row.pk for row in filtered] == [rejected.pk]


@pytest.mark.parametrize("term", ["T-7", "ada", "reference"])
def test_an_adjustment_is_found_by(staff, waiting, asker, term):
    ask(UserFactory(), "1", by=asker)

    found = staff("Auditor").get(LIST, {"q": waiting.reference if term == "reference" else term})

    assert [row.pk for row in found.context["cl"].result_list] == [waiting.pk]


def test_queries_do_not_grow_with_the_rows(staff, waiting, asker):
    client = staff("Finance")
    before = [count_queries(client, url) for url in (LIST, LIST, page_of(waiting))][1:]

    for number in range(2):
        post(UserFactory(username=f"other-{number}"))
        ask(UserFactory(), "75", by=asker)

    assert [count_queries(client, url) for url in (LIST, page_of(waiting))] == before
    assert CreditAdjustment.objects.count() == 3
