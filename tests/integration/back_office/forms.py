"""Opening a form of the back office and sending it, as a browser does."""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from django.test import Client
from django.urls import resolve
from django.utils import timezone

from namaskah.audit import form_tokens

_HIDDEN = re.compile(r'<input type="hidden" name="(token|version)" value="([^"]*)">')


@dataclass(frozen=True)
class OpenForm:
    """A form as it was opened: its hidden fields, and the answer that it stood in."""

    hidden: dict[str, str]
    page: Any = field(repr=False)

    @property
    def token(self) -> str:
        return self.hidden["token"]

    @property
    def version(self) -> str:
        return self.hidden["version"]


def open_form(client: Client, url: str) -> OpenForm:
    """Open the page and return its form, whose token and version are there."""
    page = client.get(url)
    assert page.status_code == 200, f"{url} answered {page.status_code} {page.headers.get('Location', '')}"
    return read_form(page)


def read_form(page: Any) -> OpenForm:
    """Return the form of a page that was answered, as that of a refusal is."""
    hidden = {name: unescape(value) for name, value in _HIDDEN.findall(page.content.decode())}
    assert set(hidden) == {"token", "version"}, f"no form on the page: {sorted(hidden)}"
    return OpenForm(hidden, page)


def send(client: Client, url: str, form: OpenForm, **fields: Any) -> Any:
    """Send the form with the fields; `token` or `version` among them replaces what it was opened with."""
    return client.post(url, form.hidden | fields)


def second_tab(client: Client) -> Client:
    """Return another client of the same session, for a thread of its own."""
    tab = Client()
    tab.cookies = client.cookies.copy()
    tab.user = client.user  # type: ignore[attr-defined]  # -- set where they log in (conftest)
    return tab


def read_messages(answer: Any) -> list[str]:
    """Return what the person is told on the page that comes next."""
    page = answer.client.get(answer["Location"]) if answer.status_code == 302 else answer
    return [str(message) for message in page.context["messages"]]


def keep_form_open(client: Client, url: str) -> OpenForm:
    """Return the form as somebody still has it who opened it in time, though it is not shown any more."""
    address = resolve(url)
    page = address.func.view_class()  # type: ignore[attr-defined] -- it is a class's view
    subject = page.find(**address.kwargs)
    user = client.user  # type: ignore[attr-defined]  # -- set where they log in (conftest)
    token = form_tokens.issue_token(user=user, purpose=page._purpose(subject), now=timezone.now())
    return OpenForm({"token": str(token), "version": page.version(subject)}, page=None)
