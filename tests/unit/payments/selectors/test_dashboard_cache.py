from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from payments.lifecycles import PaymentState
from payments.selectors import dashboard, dashboard_cache
from payments.selectors.dashboard_cache import find_figures
from tests.factories.payments import PaymentFactory, WebhookEventFactory, bring_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


def add_payment():
    bring_to(PaymentFactory(), PaymentState.COMPLETED)


def count(figures):
    return sum(found.payments for found in figures.counts)


def test_find_figures_measures_once_a_minute(now):
    add_payment()
    WebhookEventFactory(received_at=now, status="processed", next_attempt_at=None, processed_at=now)
    measured = find_figures(now=now)
    add_payment()

    kept = find_figures(now=now + timedelta(seconds=59))
    anew = find_figures(now=now + timedelta(seconds=60))

    assert kept == measured
    assert (count(measured), count(anew)) == (1, 2)
    assert anew.measured_at == now + timedelta(seconds=60)


def test_find_figures_that_are_kept_cost_no_query(now, django_assert_num_queries):
    find_figures(now=now)

    with django_assert_num_queries(0):
        find_figures(now=now)


def test_find_figures_shows_old_ones_while_another_page_measures(now):
    old = find_figures(now=now)
    add_payment()
    cache.add("dashboard:measuring", 1, 10)

    assert find_figures(now=now + timedelta(minutes=5)) == old


def test_find_figures_shows_old_ones_rather_than_a_gap(now, monkeypatch):
    old = find_figures(now=now)
    monkeypatch.setattr(dashboard, "_LAGS", "SELECT pg_sleep(5)")
    monkeypatch.setattr(dashboard, "_PATIENCE_MILLISECONDS", 700)

    assert find_figures(now=now + timedelta(minutes=5)) == old


@pytest.mark.parametrize("kept", [{}, {"counts": 1}, [], "old", {"measured_at": "yesterday"}])
def test_find_figures_does_not_trip_over_what_another_version_kept(now, kept):
    add_payment()
    cache.set("dashboard:figures", kept, 60)

    assert count(find_figures(now=now)) == 1


def test_find_figures_of_the_future_are_measured_anew(now):
    find_figures(now=now + timedelta(hours=3))
    add_payment()

    assert count(find_figures(now=now)) == 1


def test_find_figures_without_redis_measures_each_time(now, settings, monkeypatch):
    # Nobody listens there.
    monkeypatch.setattr(dashboard_cache, "cache", _cache_at("redis://127.0.0.1:1/0"))
    find_figures(now=now)
    add_payment()

    assert count(find_figures(now=now)) == 1


def _cache_at(url):
    from django_redis.cache import RedisCache  # noqa: PLC0415 -- only this test needs it

    options = {"IGNORE_EXCEPTIONS": True, "SERIALIZER": "django_redis.serializers.json.JSONSerializer"}
    return RedisCache(url, {"OPTIONS": options})
