"""Somebody with a browser, and what the browser had to complain about."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Response, Route

_OK: Final = 200
_HEIGHT: Final = 900
_TOLD_EVERY: Final = 20
_SERVER_ERRORS: Final = 500
_DOWNLOAD: Final = "Download is starting"
_REFUSED_PAGE: Final = "Failed to load resource"


@dataclass(frozen=True)
class Look:
    """A kind of screen."""

    name: str
    width: int
    scheme: str


LOOKS: Final = (Look("desktop", 1280, "light"), Look("phone", 390, "light"), Look("dark", 1280, "dark"))


@dataclass
class Visitor:
    """A page in which one address after the other is opened."""

    page: Page
    base_url: str
    folder: Path
    complaints: list[str] = field(default_factory=list)
    taken: int = 0
    # Pages that are there to refuse.
    expected_status: int = _OK

    def open(self, address: str) -> bool:
        """Open a page; return whether it is one that can be looked at."""
        try:
            answer = self.page.goto(address, wait_until="load")
        except Error as error:
            if _DOWNLOAD not in error.message:
                self.complaints.append(f"{address}: {error.message.splitlines()[0]}")
            return False
        status = answer.status if answer else 0
        if status not in {self.expected_status, _OK}:
            self.complaints.append(f"{address}: answered with {status}")
        return True

    def list_links(self) -> list[str]:
        """Return where the page's links lead."""
        found: Any = self.page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        return list(dict.fromkeys(found))

    def take(self, name: str) -> None:
        """Write a picture of the whole page."""
        if self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            self.complaints.append(f"{self.page.url}: scrolls sideways at {self.page.viewport_size}")
        self.folder.mkdir(parents=True, exist_ok=True)
        width = int(self.page.evaluate("window.innerWidth"))
        # A window as high as the page: what sticks to its lower edge would otherwise hide a part.
        height = int(self.page.evaluate("document.documentElement.scrollHeight"))
        self.page.set_viewport_size({"width": width, "height": max(_HEIGHT, height)})
        self.page.screenshot(path=self.folder / f"{name}.png", full_page=True)
        self.page.set_viewport_size({"width": width, "height": _HEIGHT})
        self.taken += 1
        if self.taken % _TOLD_EVERY == 0:
            print(f"  {self.taken} pictures, at {name}", flush=True)

    def listen(self) -> None:
        """Note what the browser complains about, and keep it on this machine."""
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))
        self.page.on("response", self._judge)
        self.page.route("**/*", self._let_through)

    def _hear(self, message: ConsoleMessage) -> None:
        is_expected = self.expected_status != _OK and message.text.startswith(_REFUSED_PAGE)
        if message.type in {"error", "warning"} and not is_expected:
            self.complaints.append(f"{self.page.url}: the console says: {message.text}")

    def _judge(self, answer: Response) -> None:
        if answer.status >= _SERVER_ERRORS:
            self.complaints.append(f"{answer.url}: answered with {answer.status}")

    def _let_through(self, route: Route) -> None:
        if route.request.url.startswith((self.base_url, "data:")):
            route.continue_()
        else:
            self.complaints.append(f"{self.page.url}: asked for {route.request.url}, which is not on this machine")
            route.abort()


@contextmanager
def visiting(browser: Browser, base_url: str, look: Look, folder: Path) -> Iterator[Visitor]:
    """Give a browser of its own, with no cookies yet."""
    context = browser.new_context(viewport={"width": look.width, "height": _HEIGHT}, color_scheme=look.scheme)  # type: ignore[arg-type]  # -- a Look has one of its literals
    visitor = Visitor(context.new_page(), base_url, folder)
    visitor.listen()
    try:
        yield visitor
    finally:
        context.close()


def log_in(visitor: Visitor, username: str, password: str) -> None:
    """Fill in the log-in and wait for what comes."""
    visitor.open(f"{visitor.base_url}/admin/login/")
    visitor.page.fill("[name=username]", username)
    visitor.page.fill("[name=password]", password)
    with visitor.page.expect_navigation():
        visitor.page.click("form button[type=submit]")


def tell(complaints: Sequence[str]) -> str:
    """Return each complaint once, a line for each."""
    return "\n".join(f"  {complaint}" for complaint in dict.fromkeys(complaints))
