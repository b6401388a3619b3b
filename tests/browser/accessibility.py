"""What axe-core finds on a page that a browser has open, and what a keyboard reaches there."""

from pathlib import Path
from typing import Any, Final

import axe_playwright_python
from playwright.sync_api import Page

PHONE: Final = {"width": 390, "height": 844}
DESK: Final = {"width": 1280, "height": 900}
# A window of 1280 at 200 %.
ZOOMED: Final = {"width": 640, "height": 450}

_AXE: Final = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
_TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Beyond the tags: landmarks and headings, by which those who hear a page find their way.
_FURTHER: Final = ["heading-order", "page-has-heading-one", "landmark-one-main", "landmark-unique", "empty-heading"]
_FOCUSED: Final = """() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    return {
        name: element.getAttribute("aria-label") || element.innerText?.trim() || element.name || element.id,
        tag: element.tagName.toLowerCase(),
        field: element.getAttribute("name") || "",
        isMarked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        isSeen: box.width > 0 && box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight,
    };
}"""

# All that can be used, in what is shown; of radio buttons none are here, of which a keyboard reaches one of a group.
COUNT_CONTROLS: Final = """() => [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
)].filter(element => !element.disabled && element.checkVisibility({ visibilityProperty: true })).length"""


def load_axe(page: Page) -> None:
    """Bring it into the page by the browser's own means: its policy lets in no script from elsewhere."""
    page.evaluate(_AXE)


def find_violations(page: Page, *, only: str = "", without: str = "") -> list[str]:
    """Return what breaks WCAG 2.2 AA, a line for each element, by all rules or by one or without one."""
    rules = {rule: {"enabled": True} for rule in _FURTHER} | ({without: {"enabled": False}} if without else {})
    options = {"runOnly": [only]} if only else {"runOnly": {"type": "tag", "values": _TAGS}, "rules": rules}
    found: Any = page.evaluate(
        "options => axe.run(document, options)", {**options, "resultTypes": ["violations"], "elementRef": False}
    )
    return [
        f"{violation['id']}: {node['html'][:200]} -- {node['any'][0]['message'] if node['any'] else violation['help']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def switch_theme(page: Page, *, dark: bool) -> None:
    """Show the page as those see it who like it dark; at once, without what fades."""
    page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="reduce")
    page.evaluate("dark => document.documentElement.classList.toggle('dark', dark)", dark)
    page.add_style_tag(content="*, *::before, *::after { transition: none !important; }")


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def walk(page: Page, *, most: int = 120) -> list[dict[str, Any]]:
    """Press Tab until the focus has gone round, and return what it stood on."""
    stops: list[dict[str, Any]] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(_FOCUSED)
        if stop["tag"] == "body" or stop == (stops[0] if stops else None):
            return stops
        stops.append(stop)
    raise AssertionError(f"the focus never left the page: {stops[-3:]}")
