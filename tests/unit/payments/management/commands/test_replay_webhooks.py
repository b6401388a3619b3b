import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from payments.models import WebhookAttempt, WebhookEvent
from payments.services import inbox
from tests.factories import commands
from tests.factories.billing import post
from tests.factories.payments import WebhookEventFactory
from tests.factories.snapshots import take_snapshot
from tests.factories.users import StaffFactory
from tests.unit.payments.services import told_events
from tests.unit.payments.services.purchases import balance
from tests.unit.payments.services.told_events import OF_THE_INBOX, bury, buy, read_books

from .outcomes import complain, run, run_json

pytestmark = pytest.mark.django_db(transaction=True)

REPLAY = "replay_webhooks"
BY = ("--by", "ada")
WHY = ("--reason", "the ledger is back", *BY)


@pytest.fixture(autouse=True)
def ada():
    """Whoever sits at the shell."""
    return StaffFactory(username="ada")


@pytest.fixture
def payment(sandbox):
    return buy()


@pytest.fixture
def dead(payment, sandbox):
    return bury(told_events.pay(sandbox, payment))


@pytest.fixture
def hopeless():
    """A dead letter about a payment that nobody ever made."""
    return bury(WebhookEventFactory(received_at=datetime(2026, 11, 1, tzinfo=UTC)))


def statuses():
    return dict(WebhookEvent.objects.values_list("pk", "status"))


def test_replay_by_id(payment, dead, ada):
    assert run(REPLAY, dead.pk, *WHY) == (0, [f"{dead.pk}  processed", "1 processed, 0 not."])
    assert balance(payment.user) == 25
    attempt = WebhookAttempt.objects.get()
    assert (attempt.trigger, attempt.reason, attempt.by) == ("replay", "the ledger is back", ada)


def test_replay_of_all_dead_letters_goes_on_after_one_that_fails_again(payment, dead, hopeless):
    status, lines = run(REPLAY, "--all-dead", *WHY)

    assert (status, lines) == (
        1,
        [
            f"{hopeless.pk}  dead: UnknownReferenceError: There is no payment {hopeless.reference}.",
            f"{dead.pk}  processed",
            "1 processed, 1 not.",
        ],
    )
    assert balance(payment.user) == 25


def test_replay_of_what_had_its_effect_changes_nothing(payment, dead):
    run(REPLAY, dead.pk, *WHY)
    before = read_books()

    assert run(REPLAY, "--reference", payment.reference, *WHY)[0] == 0
    assert read_books() == before


@pytest.mark.parametrize(
    "selection",
    [
        ("--status", "dead"),
        ("--type", "charge.success"),
        ("--reference", "{0.reference}"),
        ("--since", "{0.received_at}"),
        ("--until", "2100-01-01"),
        ("{0.pk}", "--status", "dead", "--since", "2026-11-01"),
    ],
)
def test_replay_by_what_is_known_of_the_events(dead, selection):
    selected = [argument.format(dead) for argument in selection]

    assert run(REPLAY, *selected, *WHY) == (0, [f"{dead.pk}  processed", "1 processed, 0 not."])


def test_replay_of_nothing_that_fits_is_done_at_once():
    assert run(REPLAY, "--all-dead", *WHY) == (0, ["0 processed, 0 not."])


def test_replay_takes_the_oldest_up_to_the_limit(payment, dead, hopeless):
    _, complaints = commands.run(REPLAY, "--all-dead", "--limit", 1, "--dry-run")
    run(REPLAY, "--all-dead", "--limit", 1, *WHY)

    assert complaints == ["Only the oldest 1 were taken; --limit takes more."]
    assert WebhookAttempt.objects.get().event == hopeless
    assert statuses()[dead.pk] == "dead"


def test_replay_of_a_busy_or_dismissed_event_is_told_and_the_others_go_on(payment, sandbox, dead):
    busy = told_events.pay(sandbox, buy())
    inbox.claim_charges()
    dismissed = WebhookEventFactory(status="dismissed", next_attempt_at=None)

    status, lines = run(REPLAY, dead.pk, busy.pk, dismissed.pk, *WHY)

    assert status == 1
    assert lines == [
        f"{dead.pk}  processed",
        f"{busy.pk}  refused: A worker is processing this event at this moment; look again in half a minute.",
        f"{dismissed.pk}  refused: This event was dismissed.",
        "1 processed, 2 not.",
    ]


def test_replay_as_json_is_a_line_per_event(dead, hopeless):
    assert run_json(REPLAY, "--all-dead", *WHY) == (
        1,
        [
            {
                "event": str(hopeless.pk),
                "status": "dead",
                "error": f"UnknownReferenceError: There is no payment {hopeless.reference}.",
                "dry_run": False,
            },
            {"event": str(dead.pk), "status": "processed", "error": "", "dry_run": False},
        ],
    )


def test_dry_run_tells_what_would_change_and_changes_nothing(payment, dead):
    before = take_snapshot()

    status, lines = run(REPLAY, "--all-dead", "--dry-run")

    assert take_snapshot() == before
    assert status == 0
    assert lines[:2] == [
        (
            f"{dead.pk}  {payment.reference}  event_status dead -> processed, state processing -> completed, "
            "balance 0.00 -> 25.00, credit 25.00"
        ),
        "1 event, 25.00 credits in all. Nothing was changed.",
    ]
    assert re.fullmatch(r"Apply it with --plan [0-9a-f]{16} --by …", lines[2])
    assert len(lines) == 3


def test_dry_run_as_json_is_one_object(dead, hopeless):
    status, [told] = run_json(REPLAY, "--all-dead", "--dry-run")

    assert (status, told["total"], len(told["plan"])) == (0, "25.00", 16)
    assert [event["event"] for event in told["events"]] == [str(hopeless.pk), str(dead.pk)]
    assert [event["error"] != "" for event in told["events"]] == [True, False]


def test_plan_that_still_holds_is_applied_as_it_was_told(payment, dead):
    [told] = run_json(REPLAY, "--all-dead", "--dry-run")[1]

    status, _ = run(REPLAY, "--all-dead", "--plan", told["plan"], *BY)

    assert status == 0
    assert f"{balance(payment.user):.2f}" == told["total"] == "25.00"
    assert WebhookAttempt.objects.get().reason == f"plan {told['plan']}"


def test_plan_with_a_reason_of_its_own(dead):
    [told] = run_json(REPLAY, "--all-dead", "--dry-run")[1]

    run(REPLAY, "--all-dead", "--plan", told["plan"], *WHY)

    assert WebhookAttempt.objects.get().reason == "the ledger is back"


@pytest.mark.parametrize(
    "change",
    [
        lambda payment: post(payment.user),
        lambda payment: bury(WebhookEventFactory(reference=payment.reference)),
        lambda _payment: WebhookEvent.objects.update(status="dismissed"),
    ],
    ids=["the wallet", "another dead letter", "the event"],
)
def test_plan_is_refused_when_the_world_has_changed(payment, dead, change):
    [told] = run_json(REPLAY, dead.pk, "--dry-run")[1]
    change(payment)
    before = take_snapshot()

    status, complaint = complain(REPLAY, "--reference", payment.reference, "--plan", told["plan"], *BY)

    assert status == 1
    assert re.fullmatch(
        rf"The world has changed: the plan is [0-9a-f]{{16}} now, not {told['plan']}\. Look at it again\.", complaint
    )
    assert take_snapshot() == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "Name events, or narrow them down: --all-dead, --status, --reference, …"),
        (WHY, "Name events, or narrow them down: --all-dead, --status, --reference, …"),
        (("--all-dead",), "Say why with --reason; it stands beside every attempt."),
        (("--all-dead", "--reason", "  "), "Say why with --reason; it stands beside every attempt."),
        (("--all-dead", "--reason", "?"), "Name yourself with --by; it stands beside what is done."),
        (("--all-dead", "--plan", "0" * 16), "Name yourself with --by; it stands beside what is done."),
        (
            ("--all-dead", "--reason", "?", "--by", "eve"),
            "There is no active account 'eve' to do this: name yourself with --by.",
        ),
        (("--all-dead", "--dismiss"), "Say why with --reason; it stands beside every attempt."),
        (
            ("--all-dead", "--dismiss", "--reason", "?"),
            "Name yourself with --by; it stands beside what is done.",
        ),
        (("--all-dead", "--dismiss", "--plan", "0" * 16, *WHY), "--plan is for replays: --dismiss moves no money."),
        (("--all-dead", "--limit", "0", *WHY), "--limit must be from 1 to 10000."),
        (("--all-dead", "--limit", "10001", *WHY), "--limit must be from 1 to 10000."),
        (("--since", "2026-11-02", "--until", "2026-11-02", *WHY), "--since must be before --until."),
        ((uuid4(), uuid4(), "--limit", "1", *WHY), "2 events are more than --limit allows."),
    ],
)
def test_replay_that_is_asked_for_wrongly_is_a_usage_error(dead, arguments, complaint):
    assert complain(REPLAY, *arguments) == (2, complaint)
    assert statuses() == {dead.pk: "dead"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-uuid", *WHY),
        ("--status", "lost", *WHY),
        ("--all-dead", "--status", "dead", *WHY),
        ("--all-dead", "--plan", "0" * 16, "--dry-run"),
        ("--since", "yesterday", *WHY),
        ("--reference", "\udcff", *WHY),
        ("--all-dead", "--reason", "two\nlines"),
        ("--all-dead", "--reason", "?", "--by", "\udcff"),
    ],
)
def test_replay_whose_arguments_cannot_be_read_is_refused(dead, arguments):
    # On the command line argparse itself ends it, with status 2.
    _, complaint = complain(REPLAY, *arguments)

    assert complaint.startswith("Error: ")
    assert statuses() == {dead.pk: "dead"}


def test_replay_of_an_id_that_does_not_exist_replays_none_of_them(dead):
    unknown = uuid4()

    assert complain(REPLAY, dead.pk, unknown, *WHY) == (1, f"There is no such event among those asked for: {unknown}.")
    assert statuses() == {dead.pk: "dead"}


def test_dismiss_gives_up_what_waits_for_a_person_and_tells_of_the_rest(payment, sandbox, dead, ada):
    quarantined = WebhookEventFactory(status="quarantined", next_attempt_at=None)
    due = told_events.pay(sandbox, buy())
    before = take_snapshot(without=OF_THE_INBOX)

    status, lines = run(REPLAY, dead.pk, quarantined.pk, due.pk, "--dismiss", *WHY)

    assert (status, sorted(lines)) == (
        1,
        sorted(
            [
                f"{dead.pk}  dismissed",
                f"{quarantined.pk}  dismissed",
                f"{due.pk}  refused: This event is received; only dead and quarantined ones are given up.",
                "2 dismissed, 1 not.",
            ]
        ),
    )
    assert statuses() == {dead.pk: "dismissed", quarantined.pk: "dismissed", due.pk: "received"}
    assert set(WebhookAttempt.objects.values_list("trigger", "outcome", "by", "reason")) == {
        ("dismissal", "dismissed", ada.pk, "the ledger is back")
    }
    assert take_snapshot(without=OF_THE_INBOX) == before


def test_dismiss_dry_run_tells_and_changes_nothing(payment, dead):
    dismissed = WebhookEventFactory(status="dismissed", next_attempt_at=None)
    before = take_snapshot()

    assert run(REPLAY, dead.pk, "--dismiss", "--dry-run") == (
        0,
        [f"{dead.pk}  would be dismissed", "1 would be dismissed, 0 not."],
    )
    assert run_json(REPLAY, dismissed.pk, "--dismiss", "--dry-run") == (
        1,
        [
            {
                "event": str(dismissed.pk),
                "status": "refused",
                "error": "This event is dismissed; only dead and quarantined ones are given up.",
                "dry_run": True,
            }
        ],
    )
    assert take_snapshot() == before


def test_dismiss_as_json_is_a_line_per_event(dead):
    assert run_json(REPLAY, "--all-dead", "--dismiss", *WHY) == (
        0,
        [{"event": str(dead.pk), "status": "dismissed", "error": "", "dry_run": False}],
    )
