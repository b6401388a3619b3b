from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from namaskah.audit import notes
from namaskah.audit.models import AuditEntry, Note
from namaskah.audit.notes import LONGEST_NOTE, NoteTextError
from namaskah.errors import PermissionDeniedError
from tests.factories.people import AgentFactory
from tests.integration.actors import run_together

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent():
    return AgentFactory(permission="add_staff_note")


def add(agent, *, subject="nmk-1", text="Called back.", key=None, now=None):
    return notes.add_note(subject=subject, text=text, key=key or uuid4(), by=agent, now=now or timezone.now())


def test_add_note_keeps_it_and_writes_it_to_the_audit_log(agent):
    now = timezone.now()

    note = add(agent, text="  Called back.\n", now=now)

    assert Note.objects.values().get() == {
        "id": note.pk,
        "subject": "nmk-1",
        "text": "Called back.",
        "author_id": agent.pk,
        "created_at": now,
    }
    assert list(AuditEntry.objects.values_list("actor", "action", "subject")) == [(agent.pk, "note.add", "nmk-1")]
    assert str(note) == "nmk-1: Called back."


def test_add_note_again_under_its_key_keeps_one(agent):
    key = uuid4()

    first, second = add(agent, key=key), add(agent, key=key)

    assert first == second
    assert (Note.objects.count(), AuditEntry.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_add_note_four_times_at_once_under_its_key_keeps_one(agent):
    key = uuid4()

    made = run_together([lambda: add(agent, key=key)] * 4)

    assert {note.pk for note in made} == {key}
    assert (Note.objects.count(), AuditEntry.objects.count()) == (1, 1)


def test_add_note_without_the_permission_is_refused():
    with pytest.raises(PermissionDeniedError):
        add(AgentFactory())

    assert (Note.objects.count(), AuditEntry.objects.count()) == (0, 0)


@pytest.mark.parametrize("text", ["", " \n\t", "n" * (LONGEST_NOTE + 1)])
def test_add_note_that_says_nothing_or_too_much_is_refused(agent, text):
    with pytest.raises(NoteTextError, match="1 to 2000 characters"):
        add(agent, text=text)

    assert (Note.objects.count(), AuditEntry.objects.count()) == (0, 0)


def test_add_note_of_the_greatest_length_is_kept(agent):
    assert len(add(agent, text=f" {'n' * LONGEST_NOTE} ").text) == LONGEST_NOTE


def test_list_notes_tells_those_of_the_subject_oldest_first(agent, django_assert_num_queries):
    now = timezone.now()
    second, first = add(agent, now=now), add(agent, now=now - timedelta(minutes=1))
    add(agent, subject="nmk-2")

    with django_assert_num_queries(1):
        told = [(note, note.author) for note in notes.list_notes("nmk-1")]

    assert told == [(first, agent), (second, agent)]
