"""API keys: issued once and shown once, and revoked."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from namaskah.api_keys.models import ApiKey
from namaskah.api_keys.services import revoke_api_key
from namaskah.audit.models import AuditEntry, FormToken
from tests.factories.api_keys import make_api_key
from tests.factories.commands import run
from tests.factories.users import ServiceAccountFactory, StaffFactory, UserFactory
from tests.integration.actors import run_together
from tests.integration.back_office.forms import open_form, read_messages, second_tab, send
from tests.integration.back_office.reading import words_of

pytestmark = pytest.mark.django_db

LIST = "/admin/api_keys/apikey/"
ISSUE = "/admin/api_keys/apikey/issue/"


@pytest.fixture
def shop(db):
    return UserFactory(username="shop")


def read_secret(page):
    (secret,) = re.findall(r'id="secret">([0-9a-f]{64})<', page.content.decode())
    return secret


def revoke_url(api_key):
    return f"{LIST}{api_key.pk}/revoke/"


def opens(secret):
    return Client().get("/api/v1/billing/balance", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def entries():
    found = AuditEntry.objects.filter(action__startswith="api_key").order_by("pk")
    return list(found.values_list("action", "subject", "outcome"))


@pytest.mark.parametrize("role", ["Operator", "superuser"])
def test_a_key_is_issued_and_its_secret_shown_once(request, staff, shop, role):
    client = request.getfixturevalue("superuser") if role == "superuser" else staff(role)

    page = send(client, ISSUE, open_form(client, ISSUE), username="shop", name="till 7", expires_days="30")

    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    secret = read_secret(page)
    assert opens(secret)
    api_key = ApiKey.objects.get()
    assert (api_key.user, api_key.name, api_key.created_by) == (shop, "till 7", client.user)
    assert abs(api_key.expiry - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    assert entries() == [("api_key.issue", f"shop: till 7 (…{secret[-4:]})", "done")]
    assert AuditEntry.objects.get(action="api_key.issue").after["expires_at"] == api_key.expiry.isoformat()


def test_the_secret_is_nowhere_else(staff, shop, caplog, capfd):
    client = staff("Operator")
    secret = read_secret(send(client, ISSUE, open_form(client, ISSUE), username="shop", name="till"))

    with connection.cursor() as cursor:
        for table in ("audit_log", "form_tokens", "api_keys", "django_session"):
            cursor.execute(f"SELECT string_agg({table}::text, ' ') FROM {table}")  # noqa: S608 -- names of ours
            (stored,) = cursor.fetchone()
            assert secret[15:-4] not in stored
    assert secret[15:-4] not in str(Session.objects.get(pk=client.session.session_key).get_decoded())
    for path in (LIST, f"{LIST}{ApiKey.objects.get().pk}/change/", "/admin/"):
        assert secret[15:-4] not in client.get(path).content.decode()
    assert secret[15:-4] not in caplog.text + "".join(capfd.readouterr())


def test_the_form_sent_again_issues_no_second_key_and_shows_no_secret(staff, shop):
    client = staff("Operator")
    form = open_form(client, ISSUE)
    send(client, ISSUE, form, username="shop", name="till")

    again = send(client, ISSUE, form, username="shop", name="till")

    assert again["Location"] == LIST
    assert "This form was sent before" in read_messages(again)[0]
    assert ApiKey.objects.count() == 1


def test_a_form_whose_answer_was_lost_issues_no_second_key(staff, shop):
    client = staff("Operator")
    form = open_form(client, ISSUE)
    send(client, ISSUE, form, username="shop", name="till")
    # As after an error that came behind the commit.
    FormToken.objects.update(used_at=None)

    page = send(client, ISSUE, form, username="shop", name="till")

    assert page.status_code == 400
    assert "Something changed since you opened this page" in words_of(page)
    assert re.search("Issued last till .* of shop", words_of(page))
    assert 'id="secret"' not in page.content.decode()
    assert ApiKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_form_in_two_tabs_at_once_issues_one_key(staff, shop):
    client = staff("Operator")
    form = open_form(client, ISSUE)

    answers = run_together(
        [lambda tab=tab: send(tab, ISSUE, form, username="shop", name="till") for tab in (client, second_tab(client))]
    )

    assert sorted(answer.status_code for answer in answers) == [200, 302]
    assert ApiKey.objects.count() == 1
    assert len(entries()) == 1


@pytest.mark.parametrize("role", ["Support", "Finance", "Auditor", None])
def test_no_other_role_issues_or_revokes(staff, shop, role):
    client = staff(role)
    api_key, secret = make_api_key(shop)

    for url in (ISSUE, revoke_url(api_key)):
        assert client.get(url).status_code == 403
        assert client.post(url, {"username": "shop", "name": "till", "reason": "x"}).status_code == 403
    assert ApiKey.objects.count() == 1
    assert opens(secret)
    assert [outcome for action, _, outcome in entries() if outcome == "refused"] == ["refused"] * 4


def member_of(group_name):
    user = UserFactory()
    user.groups.add(Group.objects.get(name=group_name))
    return user


OWNERS = {
    "staff": lambda _: UserFactory(is_staff=True),
    "oneself": lambda client: client.user,
    "superuser": lambda _: StaffFactory(),
    "superuser-without-staff": lambda _: UserFactory(is_superuser=True),
    "platform": lambda _: ServiceAccountFactory(),
    "by-group": lambda _: member_of("Finance"),
}


@pytest.mark.parametrize("role", ["Operator", "superuser"])
@pytest.mark.parametrize("owner", OWNERS)
def test_nobody_borrows_rights_through_a_key(request, staff, owner, role):
    client = request.getfixturevalue("superuser") if role == "superuser" else staff(role)
    user = OWNERS[owner](client)

    page = send(client, ISSUE, open_form(client, ISSUE), username=user.username, name="till")

    assert (page.status_code, ApiKey.objects.count()) == (400, 0)
    told = words_of(page)
    assert "Only a superuser issues keys of members" in told or f"manage.py create_api_key {user.username}" in told
    assert entries() == [("api_key.issue", "a new key", "refused")]


def test_service_accounts_get_their_keys_in_a_shell(staff):
    client, account = staff("Operator"), ServiceAccountFactory()

    (secret,), _ = run("create_api_key", account.username, "--by", client.user.username)

    assert opens(secret)
    assert entries() == [("api_key.issue", f"{account.username}: made by command (…{secret[-4:]})", "done")]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"username": "nobody"}, "There is no account nobody"),
        ({"username": "former"}, "is deactivated"),
        ({"username": "a\x00b"}, "Null characters are not allowed"),
        ({"username": "x" * 5000}, "at most 150 characters"),
        ({"name": ""}, "This field is required"),
        ({"name": " "}, "This field is required"),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"expires_days": "0"}, "greater than or equal to 1"),
        ({"expires_days": "9" * 400}, "less than or equal to 3650"),
        ({"expires_days": "soon"}, "Enter a whole number"),
    ],
)
def test_a_key_that_cannot_be_is_refused(staff, shop, wrong, told):
    UserFactory(username="former", is_active=False)
    client = staff("Operator")

    page = send(client, ISSUE, open_form(client, ISSUE), **{"username": "shop", "name": "till", **wrong})

    assert page.status_code == 400
    assert told in page.content.decode()
    assert ApiKey.objects.count() == 0


def test_a_key_without_an_end(staff, shop):
    client = staff("Operator")

    send(client, ISSUE, open_form(client, ISSUE), username="shop", name="till", expires_days="")

    assert ApiKey.objects.get().expiry is None


def test_the_page_of_a_customer_leads_to_the_form_filled_in(staff, shop):
    client = staff("Operator")
    offers = client.get(f"/admin/auth/user/{shop.pk}/change/").context["offers"]

    page = client.get(next(offer.url for offer in offers if offer.label == "Issue an API key"))

    assert 'value="shop"' in page.content.decode()
    assert "Issue an API key" not in [
        offer.label for offer in staff("Support").get(f"/admin/auth/user/{shop.pk}/change/").context["offers"]
    ]


def test_a_key_is_revoked_for_good(staff, shop):
    client = staff("Operator")
    api_key, secret = make_api_key(shop)
    url = revoke_url(api_key)

    answer = send(client, url, open_form(client, url), reason="It leaked.")

    assert read_messages(answer) == [f"{api_key} is revoked."]
    assert not opens(secret)
    entry = AuditEntry.objects.get(action="api_key.revoke")
    assert (entry.actor, entry.reason, entry.before["revoked_at"]) == (client.user, "It leaked.", None)
    assert entry.after["revoked_at"] == ApiKey.objects.get().revoked_at.isoformat()
    assert "Revoke" not in [offer.label for offer in client.get(f"{LIST}{api_key.pk}/change/").context["offers"]]


def test_a_key_that_a_colleague_revoked_meanwhile_says_so(staff, shop):
    client = staff("Operator")
    api_key, _ = make_api_key(shop)
    form = open_form(client, revoke_url(api_key))
    revoke_api_key(api_key=api_key, now=timezone.now())

    page = send(client, revoke_url(api_key), form, reason="It leaked.")

    assert "Something changed since you opened this page" in page.content.decode()
    assert AuditEntry.objects.filter(action="api_key.revoke").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_operators_at_once_revoke_once(staff, shop):
    api_key, _ = make_api_key(shop)
    clients = [staff("Operator"), staff("Operator")]
    forms = [open_form(client, revoke_url(api_key)) for client in clients]

    run_together(
        [
            lambda client=client, form=form: send(client, revoke_url(api_key), form, reason="It leaked.")
            for client, form in zip(clients, forms, strict=True)
        ]
    )

    assert AuditEntry.objects.filter(action="api_key.revoke", outcome="done").count() == 1


def test_a_key_that_is_not_there_leads_back(superuser):
    url = f"{LIST}01a1ffa3-1450-74e5-976e-594a7cb10149/revoke/"

    assert superuser.get(url)["Location"] == "/admin/"


def test_list_and_page_say_in_words_what_a_key_is(staff, shop):
    client = staff("Auditor")
    (used, _), (expired, _), (revoked, _) = make_api_key(shop), make_api_key(shop), make_api_key(shop)
    ApiKey.objects.filter(pk=expired.pk).update(expiry=timezone.now())
    revoke_api_key(api_key=revoked, now=timezone.now())

    states = {
        state: [row.pk for row in client.get(LIST, {"state": state}).context["cl"].result_list]
        for state in ("open", "expired", "revoked")
    }

    assert states == {"open": [used.pk], "expired": [expired.pk], "revoked": [revoked.pk]}
    text = client.get(LIST).content.decode()
    assert all(word in text for word in ("Open", "Expired", "Revoked"))
    for api_key, word in ((used, "Open"), (expired, "Expired"), (revoked, "Revoked")):
        assert word in client.get(f"{LIST}{api_key.pk}/change/").content.decode()


@pytest.mark.parametrize("query", ["shop", "SHO", "test", "{last_four}"])
def test_keys_are_found(staff, shop, query):
    api_key, _ = make_api_key(shop)
    make_api_key(UserFactory())
    ApiKey.objects.exclude(pk=api_key.pk).update(name="other")

    page = staff("Operator").get(LIST, {"q": query.format(last_four=api_key.last_four)})

    assert [row.pk for row in page.context["cl"].result_list] == [api_key.pk]


def test_list_and_page_cost_the_same_for_one_key_and_for_three(superuser, shop, django_assert_max_num_queries):
    counts = []
    for _ in range(3):
        api_key, _ = make_api_key(UserFactory())
        ApiKey.objects.update(created_by=superuser.user)
        for url in (LIST, f"{LIST}{api_key.pk}/change/"):
            with django_assert_max_num_queries(12) as queries:
                superuser.get(url)
            counts.append(len(queries))

    assert counts[:2] == counts[4:]
