"""Pages on which staff do something: a form that says what will happen, acts once, and tells what happened."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views import View

from namaskah.audit import form_tokens
from namaskah.audit.form_tokens import FormTokenError
from namaskah.audit.looks import record_look
from namaskah.audit.models import FormToken, Outcome
from namaskah.audit.origins import get_origin
from namaskah.audit.records import record_action
from namaskah.back_office import repeats, step_up
from namaskah.back_office.turns import TurnNotHadError, take_turn
from namaskah.errors import DomainError, NotFoundError
from namaskah.outages import is_contended
from namaskah.secret_texts import has_secret

_BUSY: Final = (
    "Somebody is working on this at this moment, so it could not be done. What you typed is still here: send it again "
    "in a few seconds; it acts once."
)


class NotedRefusal(PermissionDenied):
    """Refused, and in the audit log already under the name of what was tried."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that stands above the form: what the action is about, and what it will do."""

    label: str
    value: Any


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent: `key` is its token, under which what it asks for is done once."""

    fields: dict[str, Any]
    key: UUID
    by: User
    request_id: str
    now: datetime


class ActionPage(View):
    """One action on one subject. A subclass says what is shown, and calls one service in `act`."""

    # Who may, as `billing.request_adjustment`.
    permission: ClassVar[str]
    # What shows the subjects, as `billing.view_wallet`: needed too, because the form shows them as well.
    seen_with: str = ""
    # In addresses and in the audit log, as `wallet.adjust`.
    name: ClassVar[str]
    # Below the address of the list that shows the subjects, as `<path:wallet_id>/adjust/`.
    route: ClassVar[str]
    title: ClassVar[str]
    submit_label: ClassVar[str]
    form_class: ClassVar[type[forms.Form]] = forms.Form
    # Whether a password or a code must have been shown a short while ago: for all that moves money or gives rights.
    needs_proof: ClassVar[bool] = True
    # Whether it takes something from somebody, or ends something for good: its buttons are red.
    takes_away: ClassVar[bool] = False
    template: ClassVar[str] = "back_office/action.html"
    # Where whoever asks for a subject that is not there is sent, with a message.
    lost_url_name: ClassVar[str] = "admin:index"
    # Said to whoever opens the page, from a bookmark or a tab left open, though the action is not offered: why not.
    not_now: ClassVar[str] = "As things are now there is nothing that it could do."
    not_you: ClassVar[str] = "Nobody decides about what they asked for or what is their own: a colleague has to."

    @classmethod
    def is_offered(cls, subject: Any) -> bool:  # noqa: ARG003 -- for pages that depend on it
        """Whether the action makes sense for the subject as it is now."""
        return True

    @classmethod
    def is_offered_to(cls, by: User, subject: Any) -> bool:
        """Whether `by` in particular may, for actions that need a second person; the service refuses them too."""
        return by.has_perm(cls.permission) and cls.is_offered(subject)

    def explain_refusal(self, by: User, subject: Any) -> str:
        """Return why the form is not shown to `by` now; nothing if it is."""
        if self.is_offered_to(by, subject):
            return ""
        return self.not_you if self.is_offered(subject) else self.not_now

    @classmethod
    def address_of(cls, subject: Any) -> str:
        """Return the address of this page for the subject."""
        return reverse(f"admin:{cls._url_name()}", args=[subject.pk])

    @classmethod
    def as_path(cls, *, seen_with: str = "") -> URLPattern:
        """Return the page's address, behind the log-in, for those who see the subjects with that permission."""
        return path(cls.route, admin.site.admin_view(cls.as_view(seen_with=seen_with)), name=cls._url_name())

    def find(self, **where: Any) -> Any:
        """Return what the action is about.

        :raises NotFoundError: if there is none.
        """
        raise NotImplementedError

    def describe(self, subject: Any) -> str:
        """Return what people call the subject."""
        raise NotImplementedError

    def identity(self, subject: Any) -> str:
        """Return what no other subject of this page has, where people call several the same."""
        return self.describe(subject)

    def part_of(self, subject: Any) -> str:
        """Return what the subject is a part of for the audit log, if anything."""
        del subject
        return ""

    def version(self, subject: Any) -> str:
        """Return what changes whenever something changes that the page shows."""
        raise NotImplementedError

    def facts(self, subject: Any) -> Sequence[Fact]:
        """Return what stands above the form."""
        raise NotImplementedError

    def url_of(self, subject: Any) -> str:
        """Return the page that shows the subject."""
        raise NotImplementedError

    def url_of_done(self, subject: Any, token: str) -> str:
        """Return the page that shows what the form with this token, which was sent before, has done."""
        del token
        return self.url_of(subject)

    def act(self, subject: Any, sent: Sent) -> str:
        """Do it, and return what is told to whoever asked."""
        raise NotImplementedError

    def answer(self, request: HttpRequest, subject: Any, told: str) -> HttpResponse:
        """Say on the subject's page that it is done."""
        messages.success(request, told)
        return HttpResponseRedirect(self.url_of(subject))

    def make_form(self, subject: Any, data: Any = None) -> forms.Form:  # noqa: ARG002 -- for forms that depend on it
        """Return the form, filled with what was sent."""
        return self.form_class(data)

    def get(self, request: HttpRequest, **where: Any) -> HttpResponse:
        """Show the form, or say on the subject's page why it makes no sense now; the service would refuse it."""
        subject = self._open(request, where)
        if subject is None:
            return HttpResponseRedirect(reverse(self.lost_url_name))
        refusal = self.explain_refusal(get_member(request), subject)
        if refusal:
            messages.warning(request, f"{self.title}: not possible now. {refusal}")
            return HttpResponseRedirect(self.url_of(subject))
        return self._show(request, subject, self._make_whole_form(request, subject))

    def post(self, request: HttpRequest, **where: Any) -> HttpResponse:
        """Do what the form asks for, once."""
        subject = self._open(request, where)
        if subject is None:
            return HttpResponseRedirect(reverse(self.lost_url_name))
        form = self._make_whole_form(request, subject, request.POST)
        if not self._is_right(request, form):
            return self._show(request, subject, form)
        try:
            token = self._claim(request, subject)
        except FormTokenError as error:
            messages.warning(request, error.detail)
            # Of a double click the second shows what came of the first, which may still be acting.
            with suppress(TurnNotHadError), take_turn(self.describe(subject)):
                pass
            return HttpResponseRedirect(self.url_of_done(subject, request.POST.get("token", "")))
        try:
            with take_turn(self.describe(subject)):
                return self._act_if_unchanged(request, where, form, token)
        except DomainError as error:
            form_tokens.give_back(token)
            form.add_error(None, error.detail)
            return self._show(request, subject, form)
        except Exception as error:
            # Sent again it finds what was done under its key, if anything was.
            form_tokens.give_back(token)
            if not is_contended(error):
                raise
            form.add_error(None, _BUSY)
            return self._show(request, subject, form)

    def _open(self, request: HttpRequest, where: dict[str, Any]) -> Any:
        by = get_member(request)
        if not by.has_perms([self.permission, *filter(None, [self.seen_with])]):
            named = ", ".join(map(str, where.values()))
            refused: dict[str, Any] = {"outcome": Outcome.REFUSED, "reason": "not permitted"}
            if request.method in {"GET", "HEAD"}:
                record_look(by=by, action=self.name, subject=named, now=timezone.now(), **refused)
            else:
                record_action(by=by, action=self.name, subject=named, **refused)
            raise NotedRefusal
        try:
            return self.find(**where)
        except NotFoundError as error:
            messages.error(request, error.detail)
            return None

    def _make_whole_form(self, request: HttpRequest, subject: Any, data: Any = None) -> forms.Form:
        form = self.make_form(subject, data)
        if self.needs_proof and not step_up.is_fresh(request, now=timezone.now()):
            step_up.add_field(form)
        return form

    def _is_right(self, request: HttpRequest, form: forms.Form) -> bool:
        if not form.is_valid() or not self._is_keepable(form):
            return False
        proof = form.cleaned_data.pop(step_up.FIELD, None)
        if proof is None:
            return True
        refusal = step_up.check_proof(request, proof, now=timezone.now())
        if refusal:
            form.add_error(step_up.FIELD, refusal)
            return False
        # Should the form be shown again, it need not ask again.
        del form.fields[step_up.FIELD]
        return True

    def _is_keepable(self, form: forms.Form) -> bool:
        texts = {name: value for name, value in form.cleaned_data.items() if isinstance(value, str)}
        for name in texts.keys() - {step_up.FIELD}:
            if has_secret(texts[name]):
                form.add_error(name, "This looks like a card number or a key. Leave it out: what you write is kept.")
        return form.is_valid()

    def _claim(self, request: HttpRequest, subject: Any) -> FormToken:
        return form_tokens.claim_token(
            request.POST.get("token", ""),
            user=get_member(request),
            purpose=self._purpose(subject),
            now=timezone.now(),
        )

    def _act_if_unchanged(
        self, request: HttpRequest, where: dict[str, Any], form: forms.Form, token: FormToken
    ) -> HttpResponse:
        # Read anew: whoever had the turn before may have changed it.
        subject = self.find(**where)
        if request.POST.get("version") != self.version(subject):
            form_tokens.give_back(token)
            form.add_error(None, "Something changed since you opened this page. Look again; nothing was done.")
            return self._show(request, subject, form)
        purpose = self._purpose(subject)
        if self.needs_proof and repeats.is_repeat(request, purpose=purpose, fields=form.cleaned_data):
            form_tokens.give_back(token)
            repeats.ask(form)
            return self._show(request, subject, form)
        return self._act_once(request, subject, form, token)

    def _act_once(self, request: HttpRequest, subject: Any, form: forms.Form, token: FormToken) -> HttpResponse:
        by = get_member(request)
        sent = Sent(form.cleaned_data, token.pk, by, get_origin().request_id, timezone.now())
        try:
            told = self.act(subject, sent)
        except DomainError as error:
            form_tokens.give_back(token)
            record_action(
                by=by,
                action=self.name,
                subject=self.describe(subject),
                part_of=self.part_of(subject),
                reason=error.detail,
                outcome=Outcome.REFUSED,
            )
            form.add_error(None, error.detail)
            return self._show(request, subject, form)
        repeats.note_sent(request, purpose=self._purpose(subject), fields=form.cleaned_data)
        return self.answer(request, subject, told)

    @classmethod
    def _url_name(cls) -> str:
        return cls.name.replace(".", "-").replace("_", "-")

    def _purpose(self, subject: Any) -> str:
        return f"{self.name} {self.identity(subject)}"[:200]

    def _show(self, request: HttpRequest, subject: Any, form: forms.Form) -> HttpResponse:
        # What was typed stays under its token, so that sending it from two tabs still acts once.
        token = request.POST.get("token") or form_tokens.issue_token(
            user=get_member(request), purpose=self._purpose(subject), now=timezone.now()
        )
        context = {
            **admin.site.each_context(request),
            "title": f"{self.title}: {self.describe(subject)}",
            "facts": self.facts(subject),
            "form": form,
            "token": token,
            "version": self.version(subject),
            "submit_label": self.submit_label,
            "submit_variant": "danger" if self.takes_away else "primary",
            "back_url": self.url_of(subject),
            "subject_name": self.describe(subject),
        }
        return render(request, self.template, context, status=400 if form.errors else 200)


def get_member(request: HttpRequest) -> User:
    """Return the member of the staff who sent the request.

    :raises PermissionDenied: if nobody is logged in.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
