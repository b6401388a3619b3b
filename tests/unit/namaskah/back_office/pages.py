"""A page that acts, as small as one can be, and the addresses under which it stands beside the back office's own."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import path, reverse

from namaskah.audit import notes
from namaskah.audit.models import Note
from namaskah.back_office.action_pages import ActionPage, Fact
from namaskah.errors import NotFoundError, RuleViolationError

REFUSED, BROKEN_OFF = "refuse this", "break off"


class RefusedError(RuleViolationError):
    code = "validation_error"


class NoteForm(forms.Form):
    text = forms.CharField(max_length=100, help_text="For colleagues.")
    color = forms.ChoiceField(choices=[("red", "Red"), ("blue", "Blue")])


class KeepNote(ActionPage):
    """Keeps a note about a customer."""

    permission = notes.NOTE_PERMISSION
    name = "customer.keep_note"
    route = "tests/<int:user_id>/note/"
    title = "Keep a note"
    submit_label = "Keep it"
    form_class = NoteForm

    def find(self, **where: Any) -> User:
        user = User.objects.filter(pk=where["user_id"]).first()
        if user is None:
            raise NotFoundError("There is no such customer.")
        return user

    def describe(self, subject):
        return subject.username

    def version(self, subject):
        return str(Note.objects.filter(subject=subject.username).count())

    def facts(self, subject):
        return [Fact("Customer", subject.email)]

    def url_of(self, subject):
        return reverse("admin:auth_user_change", args=[subject.pk])

    def act(self, subject, sent):
        text = sent.fields["text"]
        if text == REFUSED:
            raise RefusedError("This is refused.")
        notes.add_note(subject=subject.username, text=text, key=sent.key, by=sent.by, now=sent.now)
        if text == BROKEN_OFF and Note.objects.count() == 1:
            # After the commit, and once: what is sent again must find what was done.
            User.objects.filter(pk=subject.pk).update(first_name=subject.first_name + "!")
            if subject.first_name == "":
                raise RuntimeError("broken off")
        return "Kept."


class KeepNoteUnproved(KeepNote):
    """Asks for no proof of who sits there."""

    name = "customer.keep_note_unproved"
    route = "tests/<int:user_id>/unproved/"
    needs_proof = False


urlpatterns = [
    path(
        "admin/",
        ([KeepNote.as_path(), KeepNoteUnproved.as_path(), *admin.site.get_urls()], "admin", admin.site.name),
    )
]
