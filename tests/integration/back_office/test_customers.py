"""Customers: found by their beginning, and all that is theirs on one page, as far as whoever looks may see it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone

from namaskah.audit.models import AuditEntry, Note
from tests.factories.api_keys import make_api_key
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import DisputeFactory, ReceivableFactory, place
from tests.factories.users import StaffFactory, UserFactory
from tests.integration.actors import run_together
from tests.integration.back_office.forms import open_form, read_messages, second_tab, send

pytestmark = pytest.mark.django_db

LIST = "/admin/auth/user/"
TITLES = ["Payments", "Holds", "Disputes", "What they owe", "Notes", "API keys"]


@pytest.fixture
def ada(db):
    return UserFactory(username="Ada", email="Ada.Lovelace@Example.com")


def page_of(user):
    return f"{LIST}{user.pk}/change/"


def note_url(user):
    return f"{LIST}{user.pk}/note/"


def names(page):
    return [user.username for user in page.context["cl"].result_list]


def fill(user):
    """Let something of everything happen to the customer."""
    payment = PaymentFactory(user=user, at="completed")
    PaymentFactory(user=user, at="failed")
    PaymentFactory(user=user, review_reason="overpaid")
    place(user, 10)
    DisputeFactory(payment=payment, due_at=timezone.now() + timedelta(days=2))
    ReceivableFactory(payment_log=payment)
    make_api_key(user)
    Note.objects.create(
        subject=f"user:{user.pk}", text="Pays by transfer.", author=StaffFactory(), created_at=timezone.now()
    )
    return payment


def test_one_page_tells_all_that_is_theirs(superuser, ada):
    payment = fill(ada)

    page = superuser.get(page_of(ada))

    text = page.content.decode()
    assert [table.title for table in page.context["tables"]] == TITLES
    assert [len(table.rows) for table in page.context["tables"]] == [3, 1, 1, 1, 1, 1]
    facts = {fact.label: str(fact.value) for fact in page.context["facts"]}
    assert (facts["Balance"], facts["Held"], facts["Available"]) == ("25.00", "10.00", "15.00")
    assert f"/admin/payments/paymentlog/{payment.pk}/change/" in text
    assert "Pending, under review" in text
    assert '<time datetime="' in str(page.context["tables"][2].rows[0][2])
    assert "Pays by transfer." in text


def test_who_looked_is_written_down_once_in_a_while(staff, ada):
    clients = [staff("Support"), staff("Auditor")]

    for client in [*clients, *clients]:
        client.get(page_of(ada))

    looks = AuditEntry.objects.filter(action="customer.view").order_by("pk").values_list("actor", "subject")
    assert list(looks) == [(client.user.pk, "Ada") for client in clients]


def test_a_customer_of_whom_nothing_is_known_has_an_empty_page_that_says_so(superuser, ada):
    text = superuser.get(page_of(ada)).content.decode()

    for sentence in (
        "nothing was ever credited",
        "They never bought anything.",
        "No credits were ever held.",
        "No bank has claimed anything back.",
        "They owe nothing.",
        "Nobody has written a note about this customer.",
        "They have no key.",
    ):
        assert sentence in text


@pytest.mark.parametrize(
    ("role", "titles", "sees_wallet"),
    [
        ("Support", TITLES[:5], True),
        ("Finance", TITLES[:5], True),
        ("Operator", ["Payments", "Notes", "API keys"], False),
        ("Auditor", TITLES, True),
    ],
)
def test_a_role_sees_on_the_page_what_it_sees_in_the_lists(staff, ada, role, titles, sees_wallet):
    fill(ada)

    page = staff(role).get(page_of(ada))

    assert [table.title for table in page.context["tables"]] == titles
    assert ("Available" in {fact.label for fact in page.context["facts"]}) is sees_wallet


def test_nobody_elses_things_are_on_the_page(superuser, ada):
    fill(UserFactory())

    page = superuser.get(page_of(ada))

    assert [len(table.rows) for table in page.context["tables"]] == [0] * 6


def test_the_newest_fifty_payments_are_shown(superuser, ada):
    payments = [PaymentFactory(user=ada, created_at=timezone.now() - timedelta(hours=hour)) for hour in range(52)]

    page = superuser.get(page_of(ada))

    rows = page.context["tables"][0].rows
    assert len(rows) == 50
    assert payments[0].reference in str(rows[0][1])
    assert payments[49].reference in str(rows[49][1])


def test_list_and_page_cost_the_same_for_one_and_for_three(superuser, ada, django_assert_max_num_queries):
    ada.groups.add(Group.objects.get(name="Support"))
    # The first look is written down too.
    superuser.get(page_of(ada))
    counts = []
    for _ in range(3):
        fill(ada)
        UserFactory(is_staff=True).groups.add(Group.objects.get(name="Support"))
        for url in (LIST, page_of(ada)):
            with django_assert_max_num_queries(20) as queries:
                superuser.get(url)
            counts.append(len(queries))

    assert counts[:2] == counts[2:4] == counts[4:]


@pytest.mark.parametrize("query", ["Ada", "ada", "AD", "ada.l", "ADA.LOVELACE@example.COM", " ada "])
def test_customers_are_found_by_their_beginning_in_any_case(staff, ada, query):
    UserFactory(username="grace", email="not-ada@example.com")

    assert names(staff("Support").get(LIST, {"q": query})) == ["Ada"]


@pytest.mark.parametrize("query", ["da", "lovelace", "%", "_da", "\\", "Ada' OR 1=1 --", "x" * 500, "\x00"])
def test_nothing_else_finds_them(staff, ada, query):
    assert "Ada" not in names(staff("Support").get(LIST, {"q": query})) or query == "\x00"


def test_the_search_is_served_by_indexes(superuser, ada):
    """However many accounts there are: Postgres is told that reading them all costs too much."""
    rows = superuser.get(LIST, {"q": "ada"}).context["cl"].queryset.order_by()
    exact = User.objects.filter(username__iexact="ada").order_by()

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plans = [plan.explain() for plan in (rows, exact)]

    assert "auth_user_username_upper" in plans[0]
    assert "auth_user_email_upper" in plans[0]
    assert "auth_user_username_upper" in plans[1]
    assert not any("Seq Scan" in plan for plan in plans)


@pytest.mark.parametrize(
    ("query", "index"), [("is_staff__exact=1", "auth_user_staff"), ("is_active__exact=0", "auth_user_inactive")]
)
def test_the_filters_are_served_by_indexes(superuser, query, index):
    rows = superuser.get(f"{LIST}?{query}").context["cl"].queryset

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        plan = rows.explain()

    assert index in plan


def test_the_list_says_who_is_what(superuser):
    UserFactory(username="shop")
    UserFactory(username="former", is_staff=True, is_active=False)
    finance = UserFactory(username="grace", is_staff=True)
    finance.groups.add(Group.objects.get(name="Finance"))

    page = superuser.get(LIST)

    text = page.content.decode()
    assert all(word in text for word in ("Customer", "Finance", "Superuser", "Staff without a role", "Deactivated"))
    assert names(superuser.get(LIST, {"is_staff__exact": "0"})) == ["shop"]
    assert names(superuser.get(LIST, {"is_active__exact": "0"})) == ["former"]


@pytest.mark.parametrize("number", ["0", "abc", "9" * 30, "-1", "%00", "1e3", "１"])
@pytest.mark.parametrize("page", ["change", "note"])
def test_customers_that_are_not_there_are_no_error_of_ours(superuser, number, page):
    assert superuser.get(f"{LIST}{number}/{page}/").status_code in {302, 404}


def test_neither_password_nor_permissions_are_shown(superuser, ada):
    ada.set_password("a-password-of-a-customer")
    ada.save()

    text = superuser.get(page_of(ada)).content.decode()

    assert ada.password not in text
    assert ada.password.split("$")[-1] not in text


@pytest.mark.parametrize("role", ["Support", "Finance", "Operator"])
def test_a_note_is_kept_and_shown(staff, ada, role):
    client = staff(role)

    answer = send(client, note_url(ada), open_form(client, note_url(ada)), text=" Pays by transfer. ")

    assert answer["Location"] == page_of(ada)
    assert read_messages(answer) == ["The note is kept."]
    note = Note.objects.get()
    assert (note.subject, note.text, note.author) == (f"user:{ada.pk}", "Pays by transfer.", client.user)
    assert "Pays by transfer." in client.get(page_of(ada)).content.decode()
    assert AuditEntry.objects.filter(action="note.add", subject=f"user:{ada.pk}", outcome="done").count() == 1


@pytest.mark.parametrize("role", ["Auditor", None])
def test_other_roles_write_no_notes(staff, ada, role):
    client = staff(role)

    assert client.get(note_url(ada)).status_code == 403
    assert client.post(note_url(ada), {"text": "a"}).status_code == 403
    assert Note.objects.count() == 0
    assert AuditEntry.objects.filter(action="customer.note", outcome="refused").count() == 2


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001, "a\x00b"])
def test_a_note_that_says_nothing_or_too_much_is_refused(staff, ada, text):
    client = staff("Support")

    assert send(client, note_url(ada), open_form(client, note_url(ada)), text=text).status_code == 400
    assert Note.objects.count() == 0


def test_a_note_sent_again_is_kept_once(staff, ada):
    client = staff("Support")
    form = open_form(client, note_url(ada))

    for _ in range(2):
        send(client, note_url(ada), form, text="Pays by transfer.")

    assert Note.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_note_sent_by_two_tabs_at_once_is_kept_once(staff, ada):
    client = staff("Support")
    form = open_form(client, note_url(ada))

    run_together([lambda tab=tab: send(tab, note_url(ada), form, text="Once.") for tab in (client, second_tab(client))])

    assert Note.objects.count() == 1


def test_html_in_names_and_notes_is_text(superuser):
    user = UserFactory(username="a", email="<script>alert(1)</script>@example.com")
    User.objects.filter(pk=user.pk).update(username="<script>alert(1)</script>")
    Note.objects.create(
        subject=f"user:{user.pk}", text="<script>alert(2)</script>", author=StaffFactory(), created_at=timezone.now()
    )

    for url in (LIST, page_of(user)):
        assert "<script>alert" not in superuser.get(url).content.decode()


def test_amounts_are_those_of_the_wallet(staff, ada):
    PaymentFactory(user=ada, at="completed", credit_amount=Decimal("1234.5000"))

    facts = {fact.label: str(fact.value) for fact in staff("Support").get(page_of(ada)).context["facts"]}

    assert facts["Balance"] == "1,234.50"
