"""The back office: every table of ours can be looked at by superusers, and changed by nobody."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from namaskah.api_keys.models import ApiKey
from namaskah.audit.models import FormToken
from namaskah.back_office.read_only_pages import ReadOnlyAdmin
from namaskah.idempotency.models import IdempotencyKey
from tests.factories.api_keys import make_api_key
from tests.factories.rows import MAKE
from tests.factories.users import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

OURS = ("api_keys", "audit", "idempotency", "observability", "billing", "payments")
# Forms' tokens tell nothing that people look for.
UNSHOWN = {FormToken}


@pytest.fixture
def row(request):
    """Make a row of the model that the test is about."""
    return MAKE[request.getfixturevalue("model")]()


@pytest.fixture
def staff(client):
    client.force_login(StaffFactory())
    return client


def _address(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def test_every_table_of_ours_is_registered_read_only():
    ours = {model for model in apps.get_models() if model._meta.app_label in OURS}

    assert (ours - UNSHOWN) | {User} == set(MAKE) == set(admin.site._registry)
    assert [page for page in admin.site._registry.values() if not isinstance(page, ReadOnlyAdmin)] == []


@pytest.mark.parametrize("model", MAKE)
def test_the_list_opens_and_offers_no_way_to_add(staff, row, model):
    page = staff.get(_address(model, "changelist"))

    assert page.status_code == 200
    assert "/add/" not in _without_menu(page)
    assert "delete_selected" not in page.content.decode()


@pytest.mark.parametrize("model", MAKE)
def test_the_detail_opens_and_offers_nothing_to_fill_in(staff, row, model):
    page = staff.get(_address(model, "change", row.pk))

    assert page.status_code == 200
    fields = re.findall(r'<(?:input|select|textarea)[^>]*name="(\w+)"', _without_menu(page))
    assert set(fields) <= {"csrfmiddlewaretoken", "next"}
    assert "deletelink" not in page.content.decode()


@pytest.mark.parametrize("model", MAKE)
def test_no_action_deletes_rows_from_the_list(staff, row, model):
    for action in ("delete_selected", "delete"):
        staff.post(_address(model, "changelist"), {"action": action, "_selected_action": [row.pk], "post": "yes"})

    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", MAKE)
@pytest.mark.parametrize("query", ["nmk-", "\x00", "é' OR 1=1 --", "a" * 500])
def test_the_search_of_a_list_takes_anything(staff, row, model, query):
    assert staff.get(_address(model, "changelist"), {"q": query.replace("\x00", "")}).status_code == 200


@pytest.mark.parametrize("model", MAKE)
def test_the_list_costs_the_same_for_one_row_and_for_three(staff, model, django_assert_max_num_queries):
    counts = []
    for rows in (1, 2):
        for _ in range(rows):
            MAKE[model]()
        with django_assert_max_num_queries(20) as queries:
            staff.get(_address(model, "changelist"))
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("path", ["/admin/", "/admin/auth/user/", "/admin/jsi18n/", "/admin/password_change/"])
def test_customers_are_sent_to_the_log_in(client, path):
    client.force_login(UserFactory())

    assert client.get(path)["Location"] == f"/admin/login/?next={path}"


def test_an_api_key_shows_neither_secret_nor_digest_nor_its_beginning(staff):
    api_key, secret = make_api_key(UserFactory())

    pages = [staff.get(_address(ApiKey, "changelist")), staff.get(_address(ApiKey, "change", api_key.pk))]

    for page in pages:
        text = page.content.decode()
        assert secret[-4:] in text
        assert secret not in text
        assert api_key.token_key not in text
        assert api_key.digest not in text


def test_an_idempotency_key_shows_no_stored_answer_and_no_token(staff):
    row = MAKE[IdempotencyKey]()

    page = staff.get(_address(IdempotencyKey, "change", row.pk)).content.decode()

    assert str(row.key) in page
    assert str(row.owner_token) not in page


@pytest.mark.parametrize("model", [Group, TOTPDevice, FormToken])
def test_what_could_give_rights_or_secrets_away_has_no_page(staff, model):
    assert not admin.site.is_registered(model)
    assert staff.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/").status_code == 404


def _without_menu(page):
    """Return the page without header, menu and search, which every page has."""
    return re.sub(
        r'<(nav|header)\b.*?</\1>|<form id="changelist-search".*?</form>', "", page.content.decode(), flags=re.DOTALL
    )
