"""Lists as files: what is in them, who may have them, and what is written down about it."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone

from billing.models import Transaction, Wallet
from namaskah.audit.models import AuditEntry
from namaskah.back_office import exports
from namaskah.back_office.read_only_pages import ReadOnlyAdmin
from payments.models import PaymentLog, Refund
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.factories.people import ask
from tests.factories.refunds import RefundFactory
from tests.factories.users import UserFactory

pytestmark = pytest.mark.django_db

USERS = "/admin/auth/user/"
LISTS = sorted(
    (model for model, page in admin.site._registry.items() if isinstance(page, ReadOnlyAdmin)),
    key=lambda model: model._meta.label,
)


def list_of(model):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def export(client, url=USERS, query=""):
    return client.post(f"{url}export/{query}")


def read(answer):
    """Return the rows of the file as a spreadsheet reads it, each by its headings."""
    text = answer.getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def entries():
    return list(AuditEntry.objects.filter(action__endswith=".export").order_by("pk"))


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.label)
def test_every_list_can_be_taken_along(superuser, model):
    answer = export(superuser, list_of(model))

    assert answer.status_code == 200
    assert answer.streaming
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == (
        f'attachment; filename="{model._meta.model_name}-{timezone.localdate():%Y-%m-%d}.csv"'
    )
    assert {"no-store", "private"} <= set(answer["Cache-Control"].split(", "))
    assert answer.getvalue().startswith(b"\xef\xbb\xbf")
    (entry,) = entries()
    assert (entry.action, entry.subject, entry.outcome) == (
        f"{model._meta.model_name}.export",
        model._meta.label,
        "done",
    )


@pytest.mark.parametrize("role", ["Finance", "Auditor"])
def test_roles_that_may_export_find_the_button_and_get_the_file(staff, role):
    client = staff(role)
    page = client.get(USERS, {"q": "ada", "is_staff__exact": "0"})

    assert page.context["export_url"] == f"{USERS}export/?q=ada&is_staff__exact=0"
    assert "at most 20,000 rows" in page.content.decode()
    assert export(client).status_code == 200


@pytest.mark.parametrize("role", ["Support", "Operator", None])
def test_other_roles_are_refused_and_that_is_written_down(staff, role):
    client = staff(role)

    assert export(client, query="?q=ada").status_code == 403

    assert "Export to CSV" not in client.get(USERS).content.decode()
    (entry,) = entries()
    assert (entry.actor, entry.outcome, entry.after) == (client.user, "refused", {"filter": {"q": ["ada"]}})


@pytest.mark.parametrize("permissions", [["export_rows"], ["view_user"]])
def test_one_of_the_two_permissions_is_not_enough(staff, permissions):
    client = staff(None)
    client.user.user_permissions.set(Permission.objects.filter(codename__in=permissions))

    assert export(client).status_code == 403


def test_a_role_exports_no_list_that_it_does_not_see(staff):
    assert export(staff("Finance"), "/admin/audit/auditentry/").status_code == 403
    assert export(staff("Finance"), "/admin/api_keys/apikey/").status_code == 403


def test_the_anonymous_get_no_file(client):
    assert export(client)["Location"].startswith("/admin/login/")
    assert entries() == []


def test_a_file_is_asked_for_by_a_form_alone(superuser):
    assert superuser.get(f"{USERS}export/").status_code == 405
    assert entries() == []


def test_the_file_has_what_the_filters_leave_in_the_order_of_the_list(superuser):
    for name in ("grace", "ada", "adam"):
        UserFactory(username=name)

    rows = read(export(superuser, query="?q=ada&o=1&is_active__exact=1"))

    assert [row["username"] for row in rows] == ["ada", "adam"]
    (entry,) = entries()
    assert entry.after == {"filter": {"q": ["ada"], "is_active__exact": ["1"]}, "rows": 2}
    assert (entry.actor, entry.address) == (superuser.user, "127.0.0.1")


def test_all_pages_are_in_the_file(superuser):
    for number in range(60):
        UserFactory(username=f"many-{number:02}")

    assert len(read(export(superuser, query="?q=many&p=2"))) == 60


@pytest.mark.parametrize(
    "query", ["?p=0", "?p=9999", "?is_staff__exact=maybe", "?e=1", "?nothing=1", "?q=%00", "?%00=1"]
)
def test_filters_that_cannot_be_understood_are_no_error_of_ours(superuser, query):
    assert export(superuser, query=query).status_code in {200, 302, 400}


@pytest.mark.parametrize(
    ("url", "query"),
    [
        (USERS, "password__startswith=pbkdf2"),
        (USERS, "password=a"),
        ("/admin/api_keys/apikey/", "digest__startswith=a"),
        ("/admin/api_keys/apikey/", "token_key__startswith=a"),
        ("/admin/api_keys/apikey/", "user__password__startswith=a"),
        ("/admin/idempotency/idempotencykey/", "owner_token__isnull=1"),
        ("/admin/payments/webhookevent/", "body__startswith=a"),
    ],
)
def test_no_list_and_no_file_is_filtered_by_a_secret(superuser, url, query):
    assert superuser.get(f"{url}?{query}").status_code == 400
    assert export(superuser, url, f"?{query}").status_code == 400


@pytest.mark.parametrize(
    ("url", "query"),
    [
        ("/admin/payments/paymentlog/", "created_at__year=99999"),
        ("/admin/payments/paymentlog/", "access_code__startswith=a"),
        ("/admin/payments/paymentlog/", "authorization_url__startswith=a"),
        ("/admin/payments/paymentlog/", "created_at__gte=99999"),
        ("/admin/payments/webhookevent/", "body_sha256__gt=1"),
        ("/admin/payments/webhookevent/", "field_digests__has_key=a"),
        ("/admin/idempotency/idempotencykey/", "response_status__gt=1"),
        (USERS, "is_superuser__exact=1"),
        (USERS, "last_login__year__gt=99999"),
    ],
)
def test_no_list_and_no_file_is_filtered_by_what_no_filter_names(superuser, url, query):
    shown, taken = superuser.get(f"{url}?{query}"), export(superuser, url, f"?{query}")

    assert (shown.status_code, shown["Location"]) == (302, f"{url}?e=1")
    assert (taken.status_code, taken["Location"]) == (302, url)


def test_times_are_exact_and_in_utc(superuser):
    moment = timezone.now() - timedelta(days=40)
    UserFactory(username="ada", date_joined=moment)

    (row,) = read(export(superuser, query="?q=ada"))

    assert row["date_joined"] == moment.isoformat()
    assert row["last_login"] == ""


def test_amounts_are_exact_and_negative_ones_stay_numbers(superuser):
    user = UserFactory()
    post(user, amount=Decimal("12345.6789"))
    post(user, amount=Decimal("-0.0001"))

    wallets = read(export(superuser, list_of(Wallet)))
    entries_ = read(export(superuser, list_of(Transaction)))

    assert [row["balance"] for row in wallets] == ["12345.6788"]
    assert sorted(row["amount"] for row in entries_) == ["-0.0001", "12345.6789"]


@pytest.mark.parametrize(("model", "make"), [(PaymentLog, PaymentFactory), (Refund, RefundFactory)])
def test_an_amount_in_subunits_has_its_currency_beside_it(superuser, model, make):
    make()

    (row,) = read(export(superuser, list_of(model)))

    assert row["amount_minor"] == "4125000"
    assert "NGN" in {row.get("currency"), row.get("payment.currency")}


def test_words_stand_for_labels_and_no_html_is_in_the_file(superuser):
    UserFactory(username="ada", is_active=False, email="<b>&amp;a@example.com")

    answer = export(superuser, query="?q=ada")
    (row,) = read(answer)

    assert (row["What"], row["is_active"], row["email"]) == ("Customer", "no", "<b>&amp;a@example.com")


@pytest.mark.parametrize(
    "formula",
    [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\tplain",
        "  =1+1",
        "\N{NO-BREAK SPACE}=1+1",
        "\N{ZERO WIDTH SPACE}=1+1",
        "\N{SOFT HYPHEN} \N{WORD JOINER}=1+1",
        "\N{MONGOLIAN VOWEL SEPARATOR}=1+1",
        "\N{RIGHT-TO-LEFT MARK}=1+1",
        '"=1+1',
        "＝1+1",
        '=HYPERLINK("http://evil.example.com","a")',
        "-",
        "-2+3+cmd|' /C calc'!A0",
    ],
)
def test_no_cell_is_a_formula(superuser, formula):
    UserFactory(username="ada", email=formula)

    (row,) = read(export(superuser, query="?q=ada"))

    assert row["email"] == f"'{formula}"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a;=1+1", "a;'=1+1"),
        ("a; =1+1;b", "a;' =1+1;b"),
        ('a;"=1+1"', 'a;\'"=1+1"'),
        ("a\t@SUM(A1)", "a\t'@SUM(A1)"),
        ("a\r\n-1+1", "a\r\n'-1+1"),
        ("a;\N{SOFT HYPHEN}=1+1", "a;'\N{SOFT HYPHEN}=1+1"),
        ("\t=1+1", "'\t'=1+1"),
        ("\n=1+1", "'\n'=1+1"),
    ],
)
def test_no_formula_begins_where_a_cell_could_be_cut(superuser, text, cell):
    UserFactory(username="ada", email=text)

    (row,) = read(export(superuser, query="?q=ada"))

    assert row["email"] == cell


@pytest.mark.parametrize("text", ["a=1", "-5", "-5.25", "-1,234.5000", "5", "plain", "é", "a\nb", 'say "a", b;c'])
def test_other_text_stays_as_it_is(superuser, text):
    UserFactory(username="ada", email=text)

    (row,) = read(export(superuser, query="?q=ada"))

    assert row["email"] == text


def test_a_file_is_cut_after_a_number_of_rows_and_says_so(superuser, monkeypatch):
    monkeypatch.setattr(exports, "MOST_ROWS", 2)
    for number in range(3):
        UserFactory(username=f"many-{number}")

    rows = read(export(superuser, query="?q=many&o=1"))

    assert [row["username"] for row in rows[:2]] == ["many-0", "many-1"]
    assert rows[2]["username"] == "Cut after 2 rows: there are more. Narrow the filters to get all of them."
    assert len(rows) == 3
    assert entries()[0].after["rows"] == 2


def test_a_file_that_is_whole_says_nothing_at_its_end(superuser, monkeypatch):
    monkeypatch.setattr(exports, "MOST_ROWS", 3)
    for number in range(3):
        UserFactory(username=f"many-{number}")

    assert [row["username"] for row in read(export(superuser, query="?q=many&o=1"))] == ["many-0", "many-1", "many-2"]


def test_the_entry_is_written_before_the_first_row_leaves(superuser):
    answer = export(superuser)

    assert len(entries()) == 1
    answer.close()


def test_a_file_costs_the_same_for_one_row_and_for_many(superuser, django_assert_max_num_queries):
    counts = []
    for number in (1, 30):
        for _ in range(number):
            member = UserFactory(is_staff=True)
            member.groups.add(Group.objects.get(name="Support"))
            ask(member, "1", by=superuser.user)
            RefundFactory()
        for model in LISTS:
            with django_assert_max_num_queries(25) as queries:
                export(superuser, list_of(model)).getvalue()
            counts.append(len(queries))

    half = len(counts) // 2
    assert counts[:half] == counts[half:]
    assert User.objects.count() > 30
