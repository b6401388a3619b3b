"""What the tables of the audit log refuse, planted through SQL with everything else legal."""

import pytest
from django.utils import timezone

from namaskah.audit.models import AuditEntry, FormToken, Note
from tests.factories.users import UserFactory
from tests.unit.billing.models.raw_sql import delete, disable_trigger, execute, insert, refused_by, truncate, update

pytestmark = pytest.mark.django_db

APPEND_ONLY = "% on % is refused: its rows are append-only"
VIOLATIONS = [
    (AuditEntry, "audit_auditentry_outcome_known", {"outcome": "perhaps"}),
    (AuditEntry, "audit_auditentry_outcome_known", {"outcome": ""}),
    (AuditEntry, "audit_auditentry_says_what", {"action": ""}),
    (AuditEntry, "audit_auditentry_says_what", {"subject": ""}),
    (Note, "audit_note_says_something", {"text": ""}),
    (Note, "audit_note_says_something", {"subject": ""}),
]
CHANGES = {
    AuditEntry: {
        "actor_id": None,
        "action": "log_out",
        "subject": "grace",
        "part_of": "nmk-2",
        "outcome": "refused",
        "reason": "other",
        "before": "{}",
        "after": "{}",
        "address": "192.0.2.8",
        "request_id": "other",
        "created_at": "2026-01-01 00:00:00+00",
    },
    Note: {"subject": "nmk-2", "text": "other", "author_id": None, "created_at": "2026-01-01 00:00:00+00"},
}


def build(model):
    if model is Note:
        return Note(subject="nmk-1", text="Called back.", author=UserFactory(), created_at=timezone.now())
    return AuditEntry(actor=UserFactory(), action="log_in", subject="ada", created_at=timezone.now())


@pytest.mark.parametrize(("model", "rule", "wrong"), VIOLATIONS)
def test_row_against_a_constraint_is_refused(model, rule, wrong):
    row = build(model)

    with refused_by(rule):
        insert(row, **wrong)

    insert(row)


@pytest.mark.parametrize(("model", "column"), [(model, column) for model in CHANGES for column in CHANGES[model]])
def test_no_column_of_a_row_changes(model, column):
    row = build(model)
    row.save(force_insert=True)
    before = model.objects.values().get()

    with refused_by(f"{model._meta.db_table}_unchanging", APPEND_ONLY):
        update(row, **{column: CHANGES[model][column]})

    assert model.objects.values().get() == before


@pytest.mark.parametrize("model", CHANGES)
def test_no_row_goes(model):
    row = build(model)
    row.save(force_insert=True)

    with refused_by(f"{model._meta.db_table}_unchanging", APPEND_ONLY):
        delete(row)
    with refused_by(f"{model._meta.db_table}_untruncated", APPEND_ONLY):
        truncate(model)

    assert model.objects.get() == row


@pytest.mark.parametrize("model", CHANGES)
def test_without_its_trigger_a_row_would_go(model):
    row = build(model)
    row.save(force_insert=True)
    disable_trigger(model, f"{model._meta.db_table}_unchanging")

    delete(row)

    assert not model.objects.exists()


def test_every_column_is_changed_above():
    assert {model: set(changes) for model, changes in CHANGES.items()} == {
        model: {field.column for field in model._meta.local_concrete_fields} - {"id"} for model in CHANGES
    }


def test_every_constraint_is_planted_above():
    tables = [model._meta.db_table for model in (AuditEntry, Note, FormToken)]
    constraints = execute(
        "SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u') AND conrelid = ANY(%s::regclass[])", [tables]
    )
    triggers = execute(
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = ANY(%s::regclass[])", [tables]
    )

    assert {name for (name,) in constraints} == {rule for _, rule, _ in VIOLATIONS}
    assert {name for (name,) in triggers} == {
        f"{table}_{rule}" for table in ("audit_log", "notes") for rule in ("unchanging", "untruncated")
    }


def test_who_acted_or_wrote_cannot_be_deleted():
    entry, note = build(AuditEntry), build(Note)
    for row, owner in ((entry, entry.actor), (note, note.author)):
        row.save(force_insert=True)
        with pytest.raises(Exception, match="protected"):
            owner.delete()
