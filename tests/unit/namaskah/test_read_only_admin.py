"""The back office: every table of ours can be looked at by superusers, and changed by nobody."""

import re
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone

from billing.models import CreditAdjustment, ExchangeRate, Hold, Receivable, Transaction, Wallet
from namaskah.api_keys.models import ApiKey
from namaskah.idempotency.models import IdempotencyKey
from namaskah.observability.models import Heartbeat
from namaskah.read_only_admin import ReadOnlyAdmin
from payments.lifecycles import PaymentState
from payments.models import (
    Dispute,
    GatewayCall,
    PaymentLog,
    ReconciliationBreak,
    Refund,
    ReviewDecision,
    WebhookAttempt,
    WebhookEvent,
)
from tests.factories.api_keys import make_api_key
from tests.factories.billing import ExchangeRateFactory, post
from tests.factories.payments import GatewayCallFactory, PaymentFactory, WebhookAttemptFactory
from tests.factories.people import CreditAdjustmentFactory, ReviewDecisionFactory
from tests.factories.refunds import (
    DisputeFactory,
    ReceivableFactory,
    ReconciliationBreakFactory,
    RefundFactory,
    place,
)
from tests.factories.users import StaffFactory, UserFactory
from tests.unit.namaskah.idempotency.steps import claim

pytestmark = pytest.mark.django_db

OURS = ("api_keys", "idempotency", "observability", "billing", "payments")

MAKE = {
    ApiKey: lambda: make_api_key(UserFactory()),
    CreditAdjustment: CreditAdjustmentFactory,
    Dispute: DisputeFactory,
    ExchangeRate: ExchangeRateFactory,
    GatewayCall: GatewayCallFactory,
    Heartbeat: lambda: Heartbeat.objects.create(name="worker", beat_at=timezone.now()),
    Hold: lambda: place(post(UserFactory()).user, 1),
    IdempotencyKey: lambda: claim(UserFactory()),
    PaymentLog: lambda: PaymentFactory(at=PaymentState.COMPLETED),
    Receivable: ReceivableFactory,
    ReconciliationBreak: ReconciliationBreakFactory,
    Refund: RefundFactory,
    ReviewDecision: ReviewDecisionFactory,
    Transaction: lambda: post(UserFactory()),
    Wallet: lambda: post(UserFactory()),
    WebhookAttempt: WebhookAttemptFactory,
    WebhookEvent: WebhookAttemptFactory,
}


@pytest.fixture
def row(request):
    """Make a row of the model that the test is about."""
    MAKE[request.getfixturevalue("model")]()
    return request.getfixturevalue("model").objects.get()


@pytest.fixture
def staff(client):
    client.force_login(StaffFactory())
    return client


def _address(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def test_every_table_of_ours_is_registered_read_only():
    ours = {model for model in apps.get_models() if model._meta.app_label in OURS}

    registered = {model: type(admin.site.get_model_admin(model)) for model in ours if admin.site.is_registered(model)}

    assert ours == set(MAKE) == set(registered)
    assert {kind for kind in registered.values() if not issubclass(kind, ReadOnlyAdmin)} == set()


@pytest.mark.parametrize("model", MAKE)
def test_the_list_opens_and_offers_no_way_to_add(staff, row, model):
    page = staff.get(_address(model, "changelist"))

    assert page.status_code == 200
    assert _address(model, "change", row.pk) in page.content.decode()
    assert "/add/" not in _without_menu(page)
    assert 'name="action"' not in page.content.decode()


@pytest.mark.parametrize("model", MAKE)
def test_the_detail_opens_and_offers_nothing_to_fill_in(staff, row, model):
    page = staff.get(_address(model, "change", row.pk))

    assert page.status_code == 200
    fields = re.findall(r'<(?:input|select|textarea)[^>]*name="(\w+)"', _without_menu(page))
    assert set(fields) <= {"csrfmiddlewaretoken", "next"}
    assert "deletelink" not in page.content.decode()


@pytest.mark.parametrize("model", MAKE)
@pytest.mark.parametrize("page", ["add", "delete"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_adding_and_deleting_is_forbidden_to_superusers_too(staff, row, model, page, method):
    address = _address(model, page, *([] if page == "add" else [row.pk]))

    assert getattr(staff, method)(address, {"post": "yes"}).status_code == 403
    assert model.objects.count() == 1


@pytest.mark.parametrize("model", MAKE)
def test_changing_is_forbidden_to_superusers_too(staff, row, model):
    assert staff.post(_address(model, "change", row.pk), {}).status_code == 403


@pytest.mark.parametrize("model", MAKE)
def test_no_action_deletes_rows_from_the_list(staff, row, model):
    staff.post(
        _address(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    )

    assert model.objects.count() == 1


@pytest.mark.parametrize("model", MAKE)
@pytest.mark.parametrize("query", ["nmk-", "\x00", "é' OR 1=1 --", "a" * 500])
def test_the_search_of_a_list_takes_anything(staff, row, model, query):
    assert staff.get(_address(model, "changelist"), {"q": query.replace("\x00", "")}).status_code == 200


@pytest.mark.parametrize("model", MAKE)
def test_the_list_costs_the_same_for_one_row_and_for_three(staff, model, django_assert_max_num_queries):
    counts = []
    for _ in range(2):
        MAKE[model]() if model is not Heartbeat else Heartbeat.objects.create(name=str(uuid4()), beat_at=timezone.now())
        with django_assert_max_num_queries(20) as queries:
            staff.get(_address(model, "changelist"))
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("model", MAKE)
@pytest.mark.parametrize("page", ["changelist", "change"])
def test_the_anonymous_are_sent_to_the_log_in(client, row, model, page):
    address = _address(model, page, *([] if page == "changelist" else [row.pk]))

    answer = client.get(address)

    assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={address}")


@pytest.mark.parametrize("model", MAKE)
def test_staff_without_the_permission_see_nothing(client, row, model):
    client.force_login(UserFactory(is_staff=True))

    assert client.get(_address(model, "changelist")).status_code == 403
    assert client.get(_address(model, "change", row.pk)).status_code == 403


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
    MAKE[IdempotencyKey]()
    row = IdempotencyKey.objects.get()

    page = staff.get(_address(IdempotencyKey, "change", row.pk)).content.decode()

    assert str(row.key) in page
    assert str(row.owner_token) not in page


@pytest.mark.parametrize("model", [User, Group])
def test_users_and_groups_can_be_managed(staff, model):
    assert staff.get(_address(model, "changelist")).status_code == 200


def _without_menu(page):
    """Return the page without header, menu and search, which every page has."""
    return re.sub(
        r'<(nav|header)\b.*?</\1>|<form id="changelist-search".*?</form>', "", page.content.decode(), flags=re.DOTALL
    )
