import pytest
from celery.signals import task_prerun
from django.contrib.auth.models import User

from tests.dead_connections import end_own_connection


@pytest.mark.django_db(transaction=True)
def test_a_task_after_postgres_was_restarted_gets_a_new_connection():
    User.objects.count()
    end_own_connection()

    task_prerun.send(sender=None)

    assert User.objects.count() == 0
