"""Somebody before a browser, and what the browser saw that it should not have seen."""

import re
from http import HTTPStatus

from playwright.sync_api import BrowserContext, Locator, Response, expect

from tests.browser.back_office.people import PASSWORD, Member

# What tells how it went: done, take care, or no.
_SAID = "[role=status] li, [role=alert], [id$=_error]"
_MOST_TABS = 80
# Of a machine that has other work too.
_PATIENCE_MILLISECONDS = 20_000
_HAS_FOCUS = "element => element === document.activeElement"
_REFUSED_PAGE = "Failed to load resource: the server responded with a status of 400"


class Visitor:
    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.page = context.new_page()
        self.complaints: list[str] = []
        self._url = url
        self.page.set_default_timeout(_PATIENCE_MILLISECONDS)
        expect.set_options(timeout=_PATIENCE_MILLISECONDS)
        self.page.on("console", lambda message: self._hear(message.text))
        self.page.on("pageerror", lambda error: self._hear(str(error)))
        self.page.on("request", lambda request: self._watch(request.url))
        self.page.on("response", self._judge)

    def open(self, path: str) -> None:
        self.page.goto(path, wait_until="domcontentloaded")

    def log_in(self, member: Member) -> None:
        """Come in, by the keyboard alone."""
        self.show_password(member)
        self.show_code(member.code)
        self.page.wait_for_url("**/admin/", wait_until="domcontentloaded")

    def show_password(self, member: Member) -> None:
        self.open("/admin/")
        self.type_into("Username", member.user.get_username())
        self.type_into("Password", PASSWORD)
        self.page.keyboard.press("Enter")

    def show_code(self, code: str) -> None:
        self.type_into("Code", code)
        self.page.keyboard.press("Enter")

    def type_into(self, label: str, text: str) -> None:
        self.tab_to(self.field(label))
        self.page.keyboard.type(text)

    def tab_to(self, place: Locator) -> None:
        """Press Tab until the cursor stands there."""
        place.wait_for()
        for _ in range(_MOST_TABS):
            if place.evaluate(_HAS_FOCUS):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"not reached with {_MOST_TABS} tabs: {place}")

    def link(self, name: str) -> Locator:
        """Return a link of the page itself, not of the side bar."""
        return self.page.get_by_role("main").get_by_role("link", name=name, exact=True)

    def tile(self, name: str) -> Locator:
        """Return a number on the dashboard, which leads to the list behind it."""
        return self.page.get_by_role("main").get_by_role("link", name=re.compile(f"^{name}"))

    def link_about(self, reference: str) -> Locator:
        """Return the first link to what has that reference, of which some pages show the end alone."""
        return self.page.get_by_role("main").get_by_role("link", name=re.compile(f"{reference[-8:]}$")).first

    def row(self, text: str) -> Locator:
        return self.page.get_by_role("row").filter(has_text=text)

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label).and_(self.page.locator("input, select, textarea"))

    def fill(self, **fields: str) -> None:
        """Fill in a form, each field by its label; what can be chosen is chosen."""
        for label, value in fields.items():
            field = self.field(label.replace("_", " "))
            if field.evaluate("element => element.tagName") == "SELECT":
                field.select_option(label=value)
            else:
                field.fill(value)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name)

    def told(self) -> str:
        """Return the sentence that says how it went, once it is there."""
        return " ".join(self.said().inner_text().split())

    def said(self) -> Locator:
        return self.page.locator(_SAID).first

    def fact(self, label: str) -> Locator:
        """Return what stands beside a label."""
        name = re.compile(f"^\\s*{re.escape(label)}\\s*$")
        return self.page.locator("dl.facts dt", has_text=name).locator("xpath=following-sibling::dd[1]")

    def _hear(self, said: str) -> None:
        if not said.startswith(_REFUSED_PAGE):
            self.complaints.append(said)

    def _watch(self, address: str) -> None:
        if not address.startswith((f"{self._url}/", "data:")):
            self.complaints.append(f"asked for {address}")

    def _judge(self, answer: Response) -> None:
        # A form that is shown again, with why it was refused, is answered with 400.
        is_refusal = answer.status == HTTPStatus.BAD_REQUEST and answer.request.is_navigation_request()
        if answer.status >= HTTPStatus.BAD_REQUEST and not is_refusal:
            self.complaints.append(f"{answer.url} answered {answer.status}")
