"""A wallet's page: what it shows, and credits given and taken by hand."""

from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone

from billing.models import CreditAdjustment, Transaction, Wallet
from namaskah.audit.models import AuditEntry
from tests.factories.billing import WalletFactory, post
from tests.factories.people import AgentFactory, ask, reject
from tests.factories.refunds import ReceivableFactory, place
from tests.factories.users import UserFactory
from tests.integration.actors import run_together
from tests.integration.back_office.forms import keep_form_open, open_form, read_form, read_messages, second_tab, send
from tests.integration.back_office.reading import count_queries, forget_proof, list_audit, list_offers, read, words_of

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/billing/wallet/"
GIVE = {"direction": "give", "amount": "10", "reason_code": "goodwill", "ticket": "T-7", "note": "Lost messages"}
TAKE = GIVE | {"direction": "take", "reason_code": "correction"}


@pytest.fixture
def wallet(db):
    """Ada's wallet with 100 credits."""
    user = UserFactory(username="ada", email="ada@example.com")
    post(user, amount=Decimal(100))
    return Wallet.objects.get(user=user)


def page_of(wallet):
    return f"{LIST}{wallet.pk}/change/"


def form_of(wallet):
    return f"{LIST}{wallet.pk}/adjust/"


def adjust(client, wallet, **fields):
    return send(client, form_of(wallet), open_form(client, form_of(wallet)), **fields)


def balance_of(wallet):
    wallet.refresh_from_db()
    return wallet.balance


def test_the_page_shows_balance_holds_debts_what_waits_and_the_ledger(staff, wallet):
    hold = place(wallet.user, 15)
    owed = ReceivableFactory(user=wallet.user, payment_log__user=wallet.user, collected_amount=4)
    waiting = ask(wallet.user, "75", ticket="T-99")

    page = read(staff("Support"), page_of(wallet))

    for words in (
        "Wallet of ada",
        "Balance 100.00 credits Held 15.00 credits Available 85.00 credits",
        f"Give 75.00 Goodwill T-99 {waiting.requested_by.username} {waiting.reference}",
        f"15.00 Refund {hold.reference}",
        f"6.00 of 10.00 Dispute Lost {owed.payment_log.reference}",
        "Adjustment 100.00 100.00",
    ):
        assert words in page


def test_the_page_of_an_empty_wallet_says_so(staff):
    page = read(staff("Support"), page_of(WalletFactory()))

    for words in ("None waits.", "Nothing is held", "Nothing is owed.", "Nothing was ever credited."):
        assert words in page


def test_the_page_leaves_out_what_was_decided(staff, wallet):
    reject(ask(wallet.user, "75"), AgentFactory(permission="approve_adjustment"))
    ReceivableFactory(user=wallet.user, payment_log__user=wallet.user, cancelled_at=timezone.now())
    ReceivableFactory(user=wallet.user, payment_log__user=wallet.user, collected_amount=10)

    page = read(staff("Support"), page_of(wallet))

    assert ("None waits." in page, "Nothing is owed." in page) == (True, True)


@pytest.mark.parametrize(
    ("role", "offers"),
    [("Support", ["Give or take credits"]), ("Finance", ["Give or take credits"]), ("Auditor", [])],
)
def test_adjusting_is_offered_to_whoever_may(staff, wallet, role, offers):
    assert list_offers(staff(role), page_of(wallet)) == offers


def test_adjusting_is_never_offered_to_whose_wallet_it_is(superuser):
    own = WalletFactory(user=superuser.user)

    assert list_offers(superuser, page_of(own)) == []


@pytest.mark.parametrize(("fields", "balance"), [(GIVE, 110), (TAKE, 90)])
def test_a_small_adjustment_moves_credits_at_once(staff, wallet, fields, balance):
    client = staff("Support")

    answer = adjust(client, wallet, **fields)

    made = CreditAdjustment.objects.get()
    sign = 1 if fields is GIVE else -1
    assert read_messages(answer) == [f"{sign * 10}.00 credits moved ({made.reference})."]
    assert balance_of(wallet) == balance
    assert (made.requested_by, made.note, made.ticket, made.needs_approval) == (
        client.user,
        "Lost messages",
        "T-7",
        False,
    )
    assert list_audit() == [("adjustment.request", "ada", "done")]
    assert AuditEntry.objects.get(action="adjustment.request").request_id == made.request_id != ""


def test_an_adjustment_above_the_threshold_waits(staff, wallet, settings):
    settings.MANUAL_CREDIT_APPROVAL_USD = Decimal(50)

    answer = adjust(staff("Support"), wallet, **GIVE | {"amount": "50.01"})

    made = CreditAdjustment.objects.get()
    assert read_messages(answer) == [f"{made.reference} waits for a colleague's approval; no credits have moved."]
    assert (made.state, balance_of(wallet)) == ("awaiting_approval", 100)


@pytest.mark.parametrize("second", [GIVE, TAKE])
def test_the_daily_total_of_a_person_counts_toward_the_threshold(staff, wallet, settings, second):
    settings.MANUAL_CREDIT_APPROVAL_USD = Decimal(15)
    client = staff("Support")

    adjust(client, wallet, **GIVE)
    adjust(client, wallet, **second | {"ticket": "T-8"})
    adjust(staff("Support"), wallet, **GIVE)

    states = CreditAdjustment.objects.order_by("created_at").values_list("state", flat=True)
    assert list(states) == ["posted", "awaiting_approval", "posted"]
    assert balance_of(wallet) == 120


def test_nobody_adjusts_their_own_wallet_superusers_included(superuser):
    own = WalletFactory(user=superuser.user)

    answer = send(superuser, form_of(own), keep_form_open(superuser, form_of(own)), **GIVE)

    assert (answer.status_code, "Nobody adjusts their own wallet." in words_of(answer)) == (400, True)
    assert (balance_of(own), Transaction.objects.count(), CreditAdjustment.objects.count()) == (0, 0, 0)
    assert list_audit() == [("wallet.adjust", superuser.user.username, "refused")]


def test_more_than_is_available_is_not_taken(staff, wallet):
    place(wallet.user, 95)

    answer = adjust(staff("Support"), wallet, **TAKE)

    assert (answer.status_code, "5.00 too little" in words_of(answer)) == (400, True)
    assert (balance_of(wallet), CreditAdjustment.objects.count()) == (100, 0)
    assert list_audit() == [("wallet.adjust", "ada", "refused")]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", ""),
        ("amount", "0"),
        ("amount", "-5"),
        ("amount", "1.00001"),
        ("amount", "10001"),
        ("amount", "NaN"),
        ("ticket", " "),
        ("note", ""),
        ("reason_code", "theft"),
        ("direction", "both"),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(staff, wallet, field, value):
    answer = adjust(staff("Support"), wallet, **GIVE | {field: value})

    assert (answer.status_code, list(answer.context["form"].errors)) == (400, [field])
    assert (balance_of(wallet), list_audit()) == (100, [])


def test_a_refused_form_can_be_sent_again_once_it_is_right(staff, wallet):
    client = staff("Support")

    refused = adjust(client, wallet, **TAKE | {"amount": "1000"})
    send(client, form_of(wallet), read_form(refused), **TAKE)

    assert balance_of(wallet) == 90


@pytest.mark.parametrize("role", ["Operator", "Auditor", None])
def test_who_may_not_adjust_is_refused_and_noted(staff, wallet, role):
    answers = [call(form_of(wallet), GIVE) for client in [staff(role)] for call in (client.get, client.post)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert (balance_of(wallet), list_audit()) == (100, [("wallet.adjust", str(wallet.pk), "refused")] * 2)


@pytest.mark.parametrize("who", ["customer", "anonymous"])
def test_who_is_no_staff_is_sent_to_the_log_in(request, wallet, who):
    answer = request.getfixturevalue(who).post(form_of(wallet), GIVE)

    assert (answer.status_code, "/admin/login/" in answer["Location"]) == (302, True)
    assert balance_of(wallet) == 100


def test_a_wallet_that_does_not_exist_leads_back(staff):
    client = staff("Support")

    answer = client.get(f"{LIST}01a1ffad-91c1-71fa-9fbc-ba458c7d7358/adjust/")

    assert read_messages(answer) == ["There is no such wallet."]


def test_a_form_sent_twice_moves_credits_once(staff, wallet):
    client = staff("Support")
    form = open_form(client, form_of(wallet))

    send(client, form_of(wallet), form, **GIVE)
    again = send(client, form_of(wallet), form, **GIVE)

    assert "This form was sent before" in read_messages(again)[-1]
    assert (balance_of(wallet), CreditAdjustment.objects.count()) == (110, 1)


def test_a_form_sent_from_two_threads_at_once_moves_credits_once(staff, wallet):
    client = staff("Support")
    form = open_form(client, form_of(wallet))
    tabs = [second_tab(client), second_tab(client)]

    answers = run_together([partial(send, tab, form_of(wallet), form, **GIVE) for tab in tabs])

    assert [answer.status_code for answer in answers] == [302, 302]
    assert (balance_of(wallet), Transaction.objects.filter(wallet=wallet).count()) == (110, 2)


def test_two_forms_at_once_move_credits_once_because_the_other_saw_another_balance(staff, wallet):
    clients = [staff("Support"), staff("Support")]
    forms = [open_form(client, form_of(wallet)) for client in clients]

    answers = run_together(
        [partial(send, client, form_of(wallet), form, **GIVE) for client, form in zip(clients, forms, strict=True)]
    )

    assert sorted(answer.status_code for answer in answers) == [302, 400]
    assert (balance_of(wallet), CreditAdjustment.objects.count()) == (110, 1)


def test_a_form_that_shows_an_old_balance_does_nothing(staff, wallet):
    client = staff("Support")
    form = open_form(client, form_of(wallet))
    post(wallet.user, amount=Decimal(1))

    answer = send(client, form_of(wallet), form, **GIVE)

    assert (answer.status_code, "Something changed since you opened this page" in words_of(answer)) == (400, True)
    assert balance_of(wallet) == 101
    send(client, form_of(wallet), read_form(answer), **GIVE)
    assert balance_of(wallet) == 111


def test_a_form_of_another_wallet_or_person_is_none(staff, wallet):
    client, other = staff("Support"), staff("Support")
    form = open_form(other, form_of(wallet))
    elsewhere = open_form(client, form_of(WalletFactory()))

    told = [
        read_messages(send(client, form_of(wallet), form, **GIVE | changes))
        for changes in ({}, {"token": elsewhere.token}, {"token": "nonsense"})
    ]

    assert told == [["This form is too old, or was not made for you. Open it again; nothing was done."]] * 3
    assert balance_of(wallet) == 100


def test_a_password_is_asked_for_when_the_proof_is_old(staff, wallet):
    client = staff("Support")
    client.user.set_password("a long enough password")
    client.user.save()
    client.force_login(client.user)
    fresh = open_form(client, form_of(wallet))
    forget_proof(client)
    form = open_form(client, form_of(wallet))

    without = send(client, form_of(wallet), form, **GIVE)
    wrong = send(client, form_of(wallet), form, **GIVE, proof="not it")
    unchanged = balance_of(wallet)
    right = send(client, form_of(wallet), form, **GIVE, proof="a long enough password")

    assert ("proof" in fresh.page.context["form"].fields, "proof" in form.page.context["form"].fields) == (False, True)
    assert (without.status_code, list(without.context["form"].errors)) == (400, ["proof"])
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (400, ["proof"])
    assert (unchanged, right.status_code, balance_of(wallet)) == (100, 302, 110)
    assert "proof" not in open_form(client, form_of(wallet)).page.context["form"].fields


def test_a_proof_of_fourteen_minutes_ago_is_enough(staff, wallet):
    client = staff("Support")
    forget_proof(client, minutes=14)

    adjust(client, wallet, **GIVE)

    assert balance_of(wallet) == 110


@pytest.mark.parametrize("url", [LIST, None])
def test_queries_do_not_grow_with_the_rows(staff, wallet, url):
    client = staff("Support")
    address = url or page_of(wallet)
    place(wallet.user, 1)
    ask(wallet.user, "75")
    ReceivableFactory(user=wallet.user, payment_log__user=wallet.user)
    count_queries(client, address)
    before = count_queries(client, address)

    for _ in range(2):
        place(wallet.user, 1)
        ask(wallet.user, "75")
        ReceivableFactory(user=wallet.user, payment_log__user=wallet.user)
        WalletFactory()

    assert count_queries(client, address) == before


@pytest.mark.parametrize("term", ["ada", "ada@example.com"])
def test_a_wallet_is_found_by(staff, wallet, term):
    WalletFactory()

    page = staff("Support").get(LIST, {"q": term})

    assert [row.pk for row in page.context["cl"].result_list] == [wallet.pk]
