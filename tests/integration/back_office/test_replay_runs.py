"""Replaying the ticked events, or all that match: asked for once, done by the workers, watched and stopped."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.utils import timezone

from namaskah.audit.models import AuditEntry
from payments import tasks
from payments.admin import replay_many
from payments.models import ReplayRun, ReplayRunEvent, WebhookAttempt, WebhookEvent
from payments.services import replay_runs, replays
from tests.factories.payments import WebhookEventFactory
from tests.factories.replays import ReplayRunEventFactory, ReplayRunFactory
from tests.integration.actors import run_together
from tests.integration.back_office.forms import open_form, read_messages, second_tab, send
from tests.integration.back_office.reading import count_queries, list_audit, list_offers, read, words_of
from tests.integration.back_office.replaying import ASIDE, LIST, RUNS, ask, ids, match, page_of, tick
from tests.unit.payments.services import told_events
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.told_events import bury, buy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payments(sandbox):
    return [buy() for _ in range(3)]


@pytest.fixture
def dead(payments, sandbox):
    """The news that each was paid, all dead letters, in the order in which they came."""
    return [bury(told_events.pay(sandbox, payment)) for payment in payments]


def test_ticked_events_are_replayed_by_the_workers(staff, dead, payments):
    client = staff("Support")

    answer = ask(client, tick(dead[2], dead[0]))

    run = ReplayRun.objects.get()
    assert answer["Location"] == page_of(run)
    assert read_messages(answer) == ["The workers replay 2 events; you may close this page."]
    assert (run.by, run.reason, run.asked_for, bool(run.request_id)) == (
        client.user,
        "the ledger is back",
        {"chosen": 2},
        True,
    )
    # The oldest first, however they were ticked.
    assert ids(run) == [dead[0].pk, dead[2].pk]
    assert [balance(payment.user) for payment in payments] == [0, 0, 0]
    tasks.continue_replays()
    assert [balance(payment.user) for payment in payments] == [25, 0, 25]
    assert list_audit()[0] == ("webhook.replay_many", str(run.pk), "done")
    assert {entry.request_id for entry in AuditEntry.objects.filter(action="webhook.replay")} == {run.request_id}


def test_the_page_tells_how_many_the_cap_and_what_would_happen(staff, dead):
    lost = WebhookEventFactory(**ASIDE)
    client = staff("Support")

    page = read(client, match(client, "status__exact=dead"))

    for words in (
        "Replay: all that match: status dead",
        "Events 4 events",
        "At most 1,000 at once.",
        "Tried out on them all, and rolled back:",
        "Credits in all 75.00",
        "Payment processing → completed, 3 times",
        "Would change nothing 0 Would fail 1",
        f"{lost.reference} : fails: There is no payment {lost.reference}.",
    ):
        assert words in page
    assert not WebhookAttempt.objects.exists()


def test_only_the_oldest_are_tried_out_and_only_so_many_are_replayed(staff, dead, monkeypatch):
    monkeypatch.setattr(replay_many, "PLANNED", 1)
    monkeypatch.setattr(replay_runs, "LARGEST_RUN", 2)
    client = staff("Support")
    url = match(client, "status__exact=dead")

    page = read(client, url)
    ask(client, url)

    assert "Events 2 events" in page
    assert "At most 2 at once. More match: these are the oldest. Replay again for the rest." in page
    assert "Tried out on the oldest 1 of them, and rolled back: Credits in all 25.00" in page
    assert ids(ReplayRun.objects.get()) == [event.pk for event in dead[:2]]


def test_what_comes_while_the_page_is_read_is_not_meant_and_hinders_nothing(staff, dead):
    client = staff("Support")
    url = match(client, "status__exact=dead")
    form = open_form(client, url)
    WebhookEventFactory(**ASIDE)

    assert send(client, url, form, reason="why").status_code == 302

    assert ids(ReplayRun.objects.get()) == [event.pk for event in dead]


def test_what_was_mended_while_the_page_was_read_is_a_reason_to_look_again(staff, dead):
    client = staff("Support")
    url = match(client, "status__exact=dead")
    form = open_form(client, url)
    replays.replay_event(event_id=dead[0].pk, by=None, reason="by a colleague")

    answer = send(client, url, form, reason="why")

    assert (answer.status_code, "Something changed" in words_of(answer)) == (400, True)
    assert not ReplayRun.objects.exists()


def test_whoever_may_not_is_refused_which_is_written_down(staff, dead):
    client = staff("Auditor")

    assert client.get(tick(*dead)).status_code == client.post(tick(*dead), {"reason": "why"}).status_code == 403
    assert [(action, outcome) for action, _, outcome in list_audit()] == [("webhook.replay_many", "refused")] * 2
    assert not ReplayRun.objects.exists()


def test_one_form_begins_one_run_whether_it_is_sent_twice_or_at_once(staff, dead):
    client = staff("Support")
    form = open_form(client, tick(*dead))

    run_together([partial(send, second_tab(client), tick(*dead), form, reason="why") for _ in range(2)])
    again = send(client, tick(*dead), form, reason="why")

    assert "was sent before" in read_messages(again)[-1]
    assert (ReplayRun.objects.count(), ReplayRunEvent.objects.count()) == (1, 3)
    assert [entry for entry in list_audit() if entry[0] == "webhook.replay_many"] == [
        ("webhook.replay_many", form.token, "done")
    ]


def test_a_form_whose_answer_was_lost_finds_the_run_that_it_began(staff, dead, monkeypatch):
    client = staff("Support")
    client.raise_request_exception = False
    form = open_form(client, tick(*dead))
    begin = replay_runs.start_run

    def begin_and_break(**options):
        begin(**options)
        raise RuntimeError("the process dies here")

    with monkeypatch.context() as broken:
        broken.setattr(replay_runs, "start_run", begin_and_break)
        assert send(client, tick(*dead), form, reason="why").status_code == 500

    answer = send(client, tick(*dead), form, reason="why")

    assert answer["Location"] == page_of(ReplayRun.objects.get())


def test_a_run_asks_for_a_proof_after_a_while_and_a_reason(staff, dead):
    client = staff("Support")
    assert ask(client, tick(*dead), reason="").status_code == 400
    session = client.session
    session["proved_at"] = (timezone.now() - timedelta(minutes=16)).timestamp()
    session.save()

    answer = ask(client, tick(*dead))

    assert (answer.status_code, "proof" in answer.context["form"].errors) == (400, True)
    assert not ReplayRun.objects.exists()


def test_the_page_of_a_run_shows_its_progress_anew_until_it_ends(staff, dead):
    lost = WebhookEventFactory(**ASIDE)
    client = staff("Support")
    ask(client, tick(*dead, lost))
    run = ReplayRun.objects.get()

    running = client.get(page_of(run)).content.decode()
    still = client.get(f"{page_of(run)}?still=1").content.decode()
    tasks.continue_replays()
    done = client.get(page_of(run))

    assert 'hx-trigger="every 5s"' in running
    assert '<progress id="progress" class="whole" max="4" value="0">' in running
    assert ("hx-trigger" in still, "This page stands still." in still) == (False, True)
    assert "hx-trigger" not in done.content.decode()
    for words in (
        "It is done. What failed stands below with its error",
        "Processed 3 Failed 1 Left 0",
        "4 of 4",
        f"{lost.reference} charge.success",
        f"UnknownReferenceError There is no payment {lost.reference}.",
    ):
        assert words in words_of(done)
    assert f"{LIST}{lost.pk}/change/" in done.content.decode()


def test_more_failures_than_the_page_shows_are_a_link_away(staff, monkeypatch):
    monkeypatch.setattr("payments.admin.replay_runs._SHOWN_FAILURES", 1)
    run = ReplayRunFactory(processed=1, failed=2)
    for _ in range(2):
        ReplayRunEventFactory(run=run, outcome="failed", ended_at=timezone.now(), error="no")
    ReplayRunEventFactory(outcome="failed", ended_at=timezone.now())
    client = staff("Auditor")

    page = client.get(page_of(run)).content.decode()

    url = f"/admin/payments/replayrunevent/?outcome=failed&amp;run__exact={run.pk}"
    assert url in page
    assert len(client.get(url.replace("&amp;", "&")).context["cl"].result_list) == 2


def test_a_run_is_stopped_by_its_button(staff, dead, payments):
    client = staff("Support")
    ask(client, tick(*dead))
    run = ReplayRun.objects.get()
    assert list_offers(client, page_of(run)) == ["Stop"]
    form = open_form(client, f"{RUNS}{run.pk}/stop/")

    answers = [send(client, f"{RUNS}{run.pk}/stop/", form) for _ in range(2)]

    assert read_messages(answers[0])[0] == "Stopped; 3 of 3 events were left."
    tasks.continue_replays()
    assert [balance(payment.user) for payment in payments] == [0, 0, 0]
    assert list_offers(client, page_of(run)) == []
    assert "It was stopped. 3 events were left as they were" in read(client, page_of(run))
    assert [entry for entry in list_audit() if "stop" in entry[0]] == [("webhook.replay_stop", str(run.pk), "done")]


def test_a_run_that_ended_meanwhile_is_not_stopped(staff, dead):
    client = staff("Support")
    ask(client, tick(*dead))
    url = f"{RUNS}{ReplayRun.objects.get().pk}/stop/"
    form = open_form(client, url)
    tasks.continue_replays()

    answer = send(client, url, form)

    assert (answer.status_code, ReplayRun.objects.get().state) == (400, "done")


def test_stopping_is_not_for_auditors_nor_for_what_is_not_there(staff):
    run = ReplayRunFactory()

    assert staff("Auditor").post(f"{RUNS}{run.pk}/stop/").status_code == 403
    assert staff("Support").get(f"{RUNS}{uuid4()}/stop/")["Location"] == RUNS
    assert list_offers(staff("Auditor"), page_of(run)) == []


@pytest.mark.parametrize("url", [RUNS, "/admin/payments/replayrunevent/", "/admin/payments/webhookattempt/"])
def test_the_lists_cost_the_same_for_one_row_and_for_three(staff, url):
    client = staff("Support")
    counts = []
    for rows in (1, 2):
        for _ in range(rows):
            event = ReplayRunEventFactory().event
            replays.dismiss_event(event_id=_bury(event).pk, by=staff("Operator").user, reason="noise")
        counts.append(count_queries(client, url))

    assert counts[0] == counts[1]


def test_the_page_of_a_run_costs_the_same_for_one_failure_and_for_three(staff):
    client = staff("Support")
    run = ReplayRunFactory()
    counts = []
    for rows in (1, 2):
        for _ in range(rows):
            ReplayRunEventFactory(run=run, outcome="failed", ended_at=timezone.now())
        counts.append(count_queries(client, page_of(run)))

    assert counts[0] == counts[1]


def test_the_lists_are_narrowed(staff):
    running, done = ReplayRunFactory(), ReplayRunFactory(state="done", processed=3, ended_at=timezone.now())
    client = staff("Finance")

    assert list(client.get(f"{RUNS}?state=done").context["cl"].result_list) == [done]
    assert list(client.get(f"{RUNS}?q={running.by.username}").context["cl"].result_list) == [running]


def _bury(event):
    WebhookEvent.objects.filter(pk=event.pk).update(status="dead", next_attempt_at=None)
    return event
