import pytest
from celery.contrib.testing.worker import start_worker
from structlog.contextvars import bind_contextvars, bound_contextvars, get_contextvars

from namaskah.celery import app
from tests.waiting import wait_until

GIVEN = "0190f5ea-7c1e-7cc3-98c4-dc0c0c07398f"
QUEUE = "test-task-context"
seen = []


@app.task(name="tests.see_context")
def see_context():
    seen.append(get_contextvars())
    bind_contextvars(left_behind="by the task before")


@pytest.fixture
def worker(transactional_db):
    seen.clear()
    with start_worker(app, queues=[QUEUE], perform_ping_check=False, shutdown_timeout=20):
        yield


def run_task():
    count = len(seen) + 1
    sent = see_context.apply_async(queue=QUEUE)
    wait_until(lambda: len(seen) == count, seconds=20)
    return sent.id


def test_a_task_logs_under_the_id_of_the_request_that_sent_it(worker):
    with bound_contextvars(request_id=GIVEN):
        task_id = run_task()

    assert seen == [{"task": "tests.see_context", "task_id": task_id, "request_id": GIVEN}]


def test_a_task_keeps_nothing_of_the_task_before(worker):
    with bound_contextvars(request_id=GIVEN):
        run_task()
    task_id = run_task()

    assert seen[1] == {"task": "tests.see_context", "task_id": task_id}
