import pytest
from celery.schedules import crontab
from celery.signals import task_prerun
from django.conf import settings
from django.contrib.auth.models import User

from namaskah.celery import app
from tests.dead_connections import end_own_connection


@pytest.mark.django_db(transaction=True)
def test_a_task_after_postgres_was_restarted_gets_a_new_connection():
    User.objects.count()
    end_own_connection()

    task_prerun.send(sender=None)

    assert User.objects.count() == 0


def test_every_task_of_the_schedule_exists():
    app.loader.import_default_modules()

    planned = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert planned - set(app.tasks) == set()


def test_what_comes_less_often_than_a_deployment_goes_by_the_clock():
    slow = [
        entry["schedule"]
        for entry in settings.CELERY_BEAT_SCHEDULE.values()
        if not isinstance(entry["schedule"], crontab) and entry["schedule"] > 600
    ]

    assert slow == []
