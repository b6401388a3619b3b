"""What somebody sent before in this session: the back button brings a form back with what was typed and a new token.

A browser keeps no page of ours, so it asks for the form anew; by its token alone, what is sent then is another errand.
"""

from typing import Any, Final

from django import forms
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from unfold.widgets import UnfoldBooleanWidget

FIELD: Final = "once_more"
_SENT: Final = "sent_forms"
# So many forms are remembered: the back button seldom goes further.
_REMEMBERED: Final = 50


def is_repeat(request: HttpRequest, *, purpose: str, fields: dict[str, Any]) -> bool:
    """Whether the same form did exactly this before, and nobody has said that it is meant once more."""
    return FIELD not in request.POST and _digest(purpose, fields) in request.session.get(_SENT, [])


def note_sent(request: HttpRequest, *, purpose: str, fields: dict[str, Any]) -> None:
    """Remember what the form did."""
    digest = _digest(purpose, fields)
    others = [other for other in request.session.get(_SENT, []) if other != digest]
    request.session[_SENT] = [*others, digest][-_REMEMBERED:]


def ask(form: forms.Form) -> None:
    """Have whoever sent the form say whether it is meant once more."""
    form.fields[FIELD] = forms.BooleanField(label="Do it once more", required=False, widget=UnfoldBooleanWidget())
    form.add_error(FIELD, "You did exactly this before. Tick this if it is meant a second time; nothing was done now.")


def _digest(purpose: str, fields: dict[str, Any]) -> str:
    return salted_hmac(purpose, repr(sorted(fields.items()))).hexdigest()[:16]
