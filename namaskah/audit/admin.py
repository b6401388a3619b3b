"""What staff did and noted, to look at."""

import json
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from unfold.decorators import display

from namaskah.audit.models import AuditEntry, Note, Outcome
from namaskah.back_office.action_pages import Fact
from namaskah.back_office.columns import BAD, EMPTY, GOOD, Label, link, show_exact_time, show_label, show_time
from namaskah.back_office.filters import ChoiceFilter, DayRangeFilter
from namaskah.back_office.object_pages import ObjectPage
from namaskah.back_office.read_only_pages import ReadOnlyAdmin
from namaskah.identifiers import find_first_id

_NOBODY = "nobody"
# Each action once, by hopping along the index: the log has far more rows than kinds of them.
_ACTIONS = """
WITH RECURSIVE kinds AS (
    (SELECT action FROM audit_log ORDER BY action LIMIT 1)
    UNION ALL
    SELECT (SELECT action FROM audit_log WHERE action > kinds.action ORDER BY action LIMIT 1)
    FROM kinds WHERE kinds.action IS NOT NULL
)
SELECT action FROM kinds WHERE action IS NOT NULL
"""


def label_outcome(entry: AuditEntry) -> Label:
    """Return whether what was asked for happened."""
    return Label("Done", GOOD) if entry.outcome == Outcome.DONE else Label("Refused", BAD, "Nothing was changed.")


class ActionFilter(ChoiceFilter):
    """One kind of action."""

    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the actions that were ever written down."""
        del request, model_admin
        with connection.cursor() as cursor:
            cursor.execute(_ACTIONS)
            return [(action, action) for (action,) in cursor.fetchall()]


class ActorFilter(ChoiceFilter):
    """One member of the staff."""

    title = "member of the staff"
    parameter_name = "actor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name everybody who is one, and whoever nobody is known to be."""
        del request, model_admin
        members = User.objects.filter(is_staff=True).order_by("username").values_list("pk", "username")
        return [(_NOBODY, "Nobody known"), *((str(number), name) for number, name in members)]

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Keep what this person did, or what nobody known did."""
        return queryset.filter(actor=None if value == _NOBODY else int(value))


class DayFilter(DayRangeFilter):
    """From one day to another, both within, in the time zone of reports; by the ids, which tell time."""

    title = "written"
    field_name = "created_at"

    def since(self, queryset: QuerySet[Any], moment: datetime) -> QuerySet[Any]:
        """Return what is not older than the moment."""
        return queryset.filter(pk__gte=find_first_id(moment))

    def before(self, queryset: QuerySet[Any], moment: datetime) -> QuerySet[Any]:
        """Return what is older than the moment."""
        return queryset.filter(pk__lt=find_first_id(moment))


@admin.register(AuditEntry)
class AuditEntryAdmin(ObjectPage):
    """Who did what, to what, why, and from where; what was refused too."""

    list_display = ["shown_time", "shown_actor", "action", "subject", "shown_outcome", "reason", "address"]
    exported_too = ["created_at", "request_id", "before", "after"]
    list_filter = ["outcome", ActionFilter, ActorFilter, DayFilter]
    list_select_related = ["actor"]
    search_fields = ["subject"]
    search_help_text = "The whole subject, as a reference or a username, or a request id"
    ordering = ["-id"]
    page_template = "back_office/audit_entry.html"

    @display(description="When", ordering="created_at")
    def shown_time(self, entry: AuditEntry) -> str:
        """How long ago it was."""
        return show_time(entry.created_at)

    @display(description="Who", ordering="actor")
    def shown_actor(self, entry: AuditEntry) -> str:
        """Who did it, if anybody is known to."""
        return entry.actor.get_username() if entry.actor else EMPTY

    @display(description="Outcome", ordering="outcome")
    def shown_outcome(self, entry: AuditEntry) -> str:
        """Whether it happened."""
        return show_label(label_outcome(entry))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        """Find what is about exactly this, or came with this request; both have an index."""
        del request
        term = search_term.strip().replace("\x00", "")
        return (queryset.filter(Q(subject=term) | Q(part_of=term) | Q(request_id=term)) if term else queryset), False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """Read entries with their actors, for a page too."""
        entries: QuerySet[AuditEntry] = super().get_queryset(request).select_related("actor")
        return entries

    def describe(self, request: HttpRequest, row: AuditEntry) -> dict[str, Any]:  # noqa: ARG002 -- as every page has it
        """Show all of it, what changed as JSON."""
        facts = [
            Fact("Outcome", label_outcome(row)),
            Fact("When", show_exact_time(row.created_at)),
            Fact("Who", self.shown_actor(row)),
            Fact("Action", row.action),
            Fact("Subject", _link_to_entries(row.subject)),
            Fact("Part of", _link_to_entries(row.part_of) if row.part_of else EMPTY),
            Fact("Reason", row.reason or EMPTY),
            Fact("Address", row.address or "a shell"),
            Fact("Request", row.request_id or EMPTY),
        ]
        documents = [("Before", _write_json(row.before)), ("After", _write_json(row.after))]
        return {
            "title": f"{row.action}: {row.subject}",
            "facts": facts,
            "documents": [document for document in documents if document[1]],
        }


@admin.register(Note)
class NoteAdmin(ReadOnlyAdmin):
    """What colleagues should know."""

    list_display = ["shown_time", "subject", "text", "author"]
    # A note is no more than its row.
    list_display_links = None
    list_select_related = ["author"]
    search_fields = ["=subject", "text", "^author__username"]
    search_help_text = "Subject, words of the note, or who wrote it"
    ordering = ["-id"]
    empty_sentence = "Nobody has written a note yet."

    @display(description="When", ordering="created_at")
    def shown_time(self, note: Note) -> str:
        """How long ago it was written."""
        return show_time(note.created_at)


def _link_to_entries(subject: str) -> str:
    """Return the subject, with a link to all that was written down about it."""
    return link(subject, f"{reverse('admin:audit_auditentry_changelist')}?{urlencode({'q': subject})}")


def _write_json(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
