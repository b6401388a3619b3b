"""What is done about one event of the inbox: replayed once it was shown what that would change, or dismissed."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.utils import timezone

from namaskah.audit.models import AuditEntry
from payments.models import WebhookAttempt, WebhookEvent
from payments.services import crediting, replays
from tests.factories.payments import WebhookEventFactory
from tests.factories.snapshots import take_snapshot
from tests.integration.actors import run_together
from tests.integration.back_office.forms import keep_form_open, open_form, read_form, read_messages, second_tab, send
from tests.integration.back_office.inbox import ASIDE, LIST, do, form_of, page_of
from tests.integration.back_office.reading import list_audit, read, words_of
from tests.unit.payments.services import told_events
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.told_events import bury, buy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment(sandbox):
    return buy()


@pytest.fixture
def dead(payment, sandbox):
    """The news that the payment was paid, a dead letter."""
    return bury(told_events.pay(sandbox, payment))


def test_replay_shows_first_what_it_would_change_and_changes_nothing(staff, dead, payment):
    before = take_snapshot(without={"form_tokens", "django_session"})

    page = words_of(open_form(staff("Support"), form_of(dead)).page)

    assert (
        "Event dead → processed Payment processing → completed Balance 0.00 → 25.00 Ledger entry credit 25.00" in page
    )
    after = take_snapshot(without={"form_tokens", "django_session"})
    assert {table for table in before if before[table] != after[table]} <= {
        "auth_user",
        "auth_user_groups",
        "audit_log",
    }


def test_replay_has_its_effect_and_stands_in_the_audit_log(staff, dead, payment):
    client = staff("Support")

    answer = do(client, dead)

    assert (answer.status_code, answer["Location"]) == (302, page_of(dead))
    assert read_messages(answer) == ["It was replayed. 25.00 credits moved."]
    assert balance(payment.user) == 25
    assert list_audit() == [("webhook.replay", payment.reference, "done")]
    entry = AuditEntry.objects.get(action="webhook.replay")
    assert (entry.actor, entry.reason, bool(entry.request_id)) == (client.user, "the ledger is back", True)
    attempt = WebhookAttempt.objects.get()
    assert (attempt.by, attempt.trigger, attempt.reason) == (client.user, "replay", "the ledger is back")


def test_replay_that_fails_again_says_so_and_is_no_500(staff):
    event = WebhookEventFactory(status="dead", **ASIDE)

    answer = do(staff("Operator"), event)

    assert read_messages(answer) == [
        f"It was replayed and failed again: UnknownReferenceError: There is no payment {event.reference}."
    ]
    assert list_audit() == [("webhook.replay", event.reference, "done")]


def test_replay_that_would_fail_or_do_nothing_says_so_before(staff, dead):
    lost = WebhookEventFactory(status="dead", **ASIDE)
    client = staff("Operator")
    assert f"It would fail There is no payment {lost.reference}." in read(client, form_of(lost))

    do(client, dead)

    assert "Effect None: money, states and debts stay as they are." in read(client, form_of(dead))


def test_replay_of_what_was_replayed_meanwhile_is_refused(staff, dead, payment):
    client = staff("Support")
    form = open_form(client, form_of(dead))
    replays.replay_event(event_id=dead.pk, by=None, reason="by a colleague")

    answer = send(client, form_of(dead), form, reason="the ledger is back")

    assert answer.status_code == 400
    assert "Something changed since you opened this page. Look again; nothing was done." in words_of(answer)
    assert (WebhookAttempt.objects.count(), list_audit()) == (1, [])
    # What stands there now is what would happen now.
    send(client, form_of(dead), read_form(answer), reason="the ledger is back")
    assert (WebhookAttempt.objects.count(), balance(payment.user)) == (2, 25)


def test_replay_after_the_customer_s_balance_changed_is_refused(staff, dead, payment, sandbox):
    client = staff("Support")
    form = open_form(client, form_of(dead))
    other = bury(told_events.pay(sandbox, buy(user=payment.user)))
    replays.replay_event(event_id=other.pk, by=None, reason="by a colleague")

    assert send(client, form_of(dead), form, reason="why").status_code == 400
    assert balance(payment.user) == 25


def test_replay_needs_a_reason(staff, dead):
    answer = do(staff("Support"), dead, reason=" ")

    assert answer.status_code == 400
    assert WebhookEvent.objects.get(pk=dead.pk).status == "dead"


@pytest.mark.parametrize(("action", "role"), [("replay", "Auditor"), ("dismiss", "Support"), ("dismiss", "Auditor")])
def test_whoever_may_not_is_refused_which_is_written_down(staff, dead, action, role):
    client = staff(role)

    assert client.get(form_of(dead, action)).status_code == 403
    assert client.post(form_of(dead, action), {"reason": "why"}).status_code == 403
    assert list_audit() == [(f"webhook.{action}", str(dead.pk), "refused")] * 2
    assert WebhookEvent.objects.get(pk=dead.pk).status == "dead"


def test_replay_of_nothing_goes_back_to_the_list(staff):
    answer = staff("Support").get(f"{LIST}{uuid4()}/replay/")

    assert (answer.status_code, answer["Location"]) == (302, LIST)


def test_replay_of_what_cannot_be_replayed_is_a_sentence(staff):
    event = WebhookEventFactory(status="dismissed", **ASIDE)
    client = staff("Operator")

    (told,) = read_messages(client.get(form_of(event)))
    answer = send(client, form_of(event), keep_form_open(client, form_of(event)), reason="why")

    assert told == "Replay: not possible now. Processing this event again could not do anything."
    assert (answer.status_code, "This event was dismissed." in words_of(answer)) == (400, True)
    assert list_audit() == [("webhook.replay", f"{event.event_type} {event.reference}", "refused")]


def test_replay_while_a_worker_has_the_event_is_a_sentence(staff, dead, payment):
    WebhookEvent.objects.filter(pk=dead.pk).update(
        status="retrying", error_class="", error="", next_attempt_at=timezone.now() + timedelta(seconds=20)
    )

    answer = do(staff("Operator"), dead)

    assert "A worker is processing this event at this moment" in words_of(answer)
    assert (answer.status_code, balance(payment.user)) == (400, 0)


def test_replay_sent_twice_happens_once(staff, dead, payment):
    client = staff("Support")
    form = open_form(client, form_of(dead))

    answers = [send(client, form_of(dead), form, reason="why") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert "was sent before" in read_messages(answers[1])[-1]
    assert (WebhookAttempt.objects.count(), balance(payment.user)) == (1, 25)


def test_replay_sent_by_two_tabs_at_once_happens_once(staff, dead, payment):
    client = staff("Support")
    form = open_form(client, form_of(dead))

    run_together([partial(send, second_tab(client), form_of(dead), form, reason="why") for _ in range(2)])

    assert (WebhookAttempt.objects.count(), balance(payment.user)) == (1, 25)
    assert list_audit() == [("webhook.replay", payment.reference, "done")]


def test_two_people_at_once_replay_once_each_with_the_effect_of_one(staff, dead, payment):
    clients = [staff("Support"), staff("Operator")]
    forms = [open_form(client, form_of(dead)) for client in clients]

    answers = run_together(
        [partial(send, client, form_of(dead), form, reason="why") for client, form in zip(clients, forms, strict=True)]
    )

    assert sorted(answer.status_code for answer in answers) == [302, 400]
    assert (WebhookAttempt.objects.count(), balance(payment.user)) == (1, 25)


def test_replay_that_breaks_off_can_be_sent_again(staff, dead, payment, monkeypatch):
    client = staff("Support")
    client.raise_request_exception = False
    form = open_form(client, form_of(dead))
    with monkeypatch.context() as broken:
        broken.setattr(replays, "record_action", _break)
        assert send(client, form_of(dead), form, reason="why").status_code == 500
    assert (balance(payment.user), WebhookAttempt.objects.count()) == (25, 0)

    again = send(client, form_of(dead), form, reason="why")

    # The effect stands, and the form shows that nothing is left to do.
    assert (again.status_code, "Effect None" in words_of(again)) == (400, True)
    assert balance(payment.user) == 25


def test_a_replay_whose_effect_fails_leaves_a_dead_letter_and_says_so(staff, dead, payment, monkeypatch):
    client = staff("Support")
    form = open_form(client, form_of(dead))
    apply = crediting.credit_payments
    calls = []

    def fail_when_applied(*arguments, **options):
        calls.append(1)
        if len(calls) > 1:
            raise ValueError("still broken")
        return apply(*arguments, **options)

    monkeypatch.setattr(crediting, "credit_payments", fail_when_applied)
    answer = send(client, form_of(dead), form, reason="why")

    assert read_messages(answer) == ["It was replayed and failed again: ValueError: still broken"]
    assert (WebhookEvent.objects.get(pk=dead.pk).status, balance(payment.user)) == ("dead", 0)


def test_replay_asks_for_a_proof_after_a_while(staff, dead):
    client = staff("Support")
    session = client.session
    session["proved_at"] = (timezone.now() - timedelta(minutes=16)).timestamp()
    session.save()

    answer = do(client, dead)

    assert (answer.status_code, "proof" in answer.context["form"].errors) == (400, True)
    assert not WebhookAttempt.objects.exists()


def test_dismiss_gives_the_event_up_with_its_reason(staff, dead, payment):
    client = staff("Operator")

    answer = do(client, dead, "dismiss", reason="none of ours")

    assert read_messages(answer) == ["The event is dismissed; it stays in the list of dismissed ones."]
    assert WebhookEvent.objects.get(pk=dead.pk).status == "dismissed"
    assert list_audit() == [("webhook.dismiss", payment.reference, "done")]
    page = read(client, page_of(dead))
    assert f"{client.user.username} (dismissal) none of ours" in page
    assert list(client.get(f"{LIST}?status__exact=dismissed").context["cl"].result_list) == [dead]


def test_dismiss_of_what_was_delivered_again_or_replayed_meanwhile_is_refused(staff, dead):
    client = staff("Operator")
    form = open_form(client, form_of(dead, "dismiss"))
    replays.replay_event(event_id=dead.pk, by=None, reason="by a colleague")

    answer = send(client, form_of(dead, "dismiss"), form, reason="why")

    assert (answer.status_code, WebhookEvent.objects.get(pk=dead.pk).status) == (400, "processed")


def test_dismiss_of_what_does_not_wait_is_a_sentence(staff):
    event = WebhookEventFactory(status="ignored", **ASIDE)

    client, url = staff("Operator"), form_of(event, "dismiss")

    answer = send(client, url, keep_form_open(client, url), reason="why")

    assert "This event is ignored; only dead and quarantined ones are given up." in words_of(answer)
    assert list_audit() == [("webhook.dismiss", f"{event.event_type} {event.reference}", "refused")]


def test_dismiss_sent_twice_or_at_once_happens_once(staff, dead):
    client = staff("Operator")
    form = open_form(client, form_of(dead, "dismiss"))

    run_together([partial(send, second_tab(client), form_of(dead, "dismiss"), form, reason="why") for _ in range(2)])
    send(client, form_of(dead, "dismiss"), form, reason="why")

    assert WebhookAttempt.objects.filter(trigger="dismissal").count() == 1
    assert [entry for entry in list_audit() if entry[2] == "done"] == [("webhook.dismiss", dead.reference, "done")]


def _break(*_arguments, **_options):
    raise RuntimeError("the process dies here")
