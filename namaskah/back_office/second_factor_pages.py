"""The pages of the second factor: after the password, at the first log-in, and to renew recovery codes."""

from base64 import b32encode
from binascii import unhexlify
from typing import Any, Final

import segno
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views import View
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex
from unfold.widgets import UnfoldAdminTextInputWidget

from namaskah.back_office import log_ins, second_factor, step_up

_KEY: Final = "enrolling_key"


class CodeForm(forms.Form):
    """A code of the app, or a recovery code."""

    code = forms.CharField(
        max_length=20,
        label="Code",
        help_text="Six digits from your authenticator app, or one of your recovery codes.",
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}
        ),
    )


class NewCodeForm(CodeForm):
    """The first code of an app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = "The six digits that the app shows now."


def get_next(request: HttpRequest) -> str:
    """Return the page that was asked for before the log-in, if it is one of ours; the dashboard otherwise."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours and wanted.isprintable() else reverse("admin:index")


def redirect_to_second_factor(request: HttpRequest, *, then: str) -> HttpResponse:
    """Ask for a code, or have the app set up first; from there it goes on to `then`."""
    page = "second-factor" if second_factor.has_device(request.user) else "second-factor-enrol"
    return HttpResponseRedirect(f"{reverse(f'admin:{page}')}?{urlencode({'next': then})}")


class _LoggedInView(View):
    """A page of staff who have shown their password."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Send anybody else to the log-in, and everybody to the dashboard where no second factor is asked for."""
        if not (request.user.is_authenticated and request.user.is_active and request.user.is_staff):
            return HttpResponseRedirect(f"{reverse('admin:login')}?{urlencode({'next': get_next(request)})}")
        if not second_factor.is_required():
            return HttpResponseRedirect(reverse("admin:index"))
        return super().dispatch(request, *args, **kwargs)

    def show(self, request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """Render a page in the dress of the log-in; no cache keeps it, for keys and codes stand on some."""
        whole = {**admin.site.each_context(request), "next": get_next(request), **context}
        response = render(request, f"back_office/{template}", whole, status=status)
        add_never_cache_headers(response)
        return response

    @property
    def member(self) -> User:
        """Who is logged in."""
        user: User = self.request.user  # type: ignore[assignment]  # -- `dispatch` saw to it
        return user


class ShowSecondFactor(_LoggedInView):
    """Ask for a code after the password, and whenever it is long ago that somebody proved who sits there."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form."""
        if not second_factor.has_device(request.user):
            return redirect_to_second_factor(request, then=get_next(request))
        return self._show(request, CodeForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Check the code."""
        flood = log_ins.find_flood(request)
        if flood is not None:
            return flood
        form = CodeForm(request.POST)
        if not form.is_valid():
            return self._show(request, form)
        refusal = second_factor.show_code(request, form.cleaned_data["code"])
        if refusal:
            form.add_error("code", refusal)
            return self._show(request, form)
        step_up.note_proof(request, now=timezone.now())
        return HttpResponseRedirect(get_next(request))

    def _show(self, request: HttpRequest, form: CodeForm) -> HttpResponse:
        status = 400 if form.errors else 200
        return self.show(request, "second_factor.html", title="Second factor", form=form, status=status)


class EnrolSecondFactor(_LoggedInView):
    """Enrol an authenticator app, and hand out recovery codes."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Have somebody who has an app show a code of that first, and not long ago."""
        is_proved = second_factor.is_shown(request) and step_up.is_fresh(request, now=timezone.now())
        if second_factor.is_required() and second_factor.has_device(request.user) and not is_proved:
            if request.method == "POST" and not second_factor.is_shown(request):
                return self._ask_for_other_app(request)
            return redirect_to_second_factor(request, then=request.get_full_path())
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the key to scan."""
        return self._show_key(request, NewCodeForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Take the first code of the app as proof that it was scanned."""
        form = NewCodeForm(request.POST)
        if form.is_valid():
            codes = second_factor.enrol(request, key=self._get_key(request), code=form.cleaned_data["code"])
            if codes is not None:
                request.session.pop(_KEY, None)
                step_up.note_proof(request, now=timezone.now())
                return self.show(request, "recovery_codes.html", title="Recovery codes", codes=codes)
            if second_factor.has_device(request.user) and not second_factor.is_shown(request):
                return self._ask_for_other_app(request)
            form.add_error("code", "This is not the code that the app shows for this key now. Scan it and try again.")
        return self._show_key(request, form)

    def _ask_for_other_app(self, request: HttpRequest) -> HttpResponse:
        """Say to one of two browsers that enrol at once that the other was first, and ask for a code of its app."""
        told = "Another app was set up for you meanwhile, and this one was not: show a code of the other one."
        messages.warning(request, f"{told} If that was not you, tell your security contact.")
        return redirect_to_second_factor(request, then=get_next(request))

    def _get_key(self, request: HttpRequest) -> str:
        # Of this session alone: somebody else who knows the password must not see the key that is going to be used.
        key = request.session.get(_KEY)
        if not isinstance(key, str):
            key = request.session[_KEY] = random_hex(20)
        return key

    def _show_key(self, request: HttpRequest, form: CodeForm) -> HttpResponse:
        device = TOTPDevice(user=self.member, key=self._get_key(request))
        image = segno.make(device.config_url, error="m").svg_inline(scale=5, dark="#000", light="#fff")
        return self.show(
            request,
            "enrol.html",
            title="Set up your second factor",
            form=form,
            image=image,
            key=_group(device.key),
            status=400 if form.errors else 200,
        )


class MySecondFactor(_LoggedInView):
    """What the member has, and new recovery codes for it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Ask for the second factor before it is spoken of, and once more before codes are made."""
        is_proved = request.method == "GET" or step_up.is_fresh(request, now=timezone.now())
        if second_factor.is_required() and not (second_factor.is_shown(request) and is_proved):
            if second_factor.is_shown(request):
                messages.info(request, "Show a code first, then ask for the recovery codes again.")
            return self._ask(request)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show when the app was set up, and how many recovery codes are left."""
        device = TOTPDevice.objects.filter(user=self.member, confirmed=True).first()
        left = second_factor.count_recovery_codes(self.member)
        return self.show(request, "my_second_factor.html", title="My second factor", device=device, left=left)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make new recovery codes; the old ones are worth nothing any more."""
        codes = second_factor.renew_recovery_codes(request)
        return self.show(request, "recovery_codes.html", title="Recovery codes", codes=codes)

    def _ask(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and request.user.is_active and request.user.is_staff:
            return redirect_to_second_factor(request, then=reverse("admin:second-factor-mine"))
        return HttpResponseRedirect(f"{reverse('admin:login')}?{urlencode({'next': request.path})}")


def _group(key: str) -> str:
    """Return the key as people type it: letters and digits of base 32 in groups of four."""
    text = b32encode(unhexlify(key)).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
