"""`python -m devtools.shots`: what `dev.py shots` runs in the environment that has Playwright."""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, sync_playwright

from devtools.shots.addresses import name_file
from devtools.shots.tours import explore
from devtools.shots.visitors import LOOKS, Look, Visitor, log_in, tell, visiting

_OK: Final = 200
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_LOCKED_OUT: Final = 429
_WRONG_PASSWORDS: Final = 6
# Sees everything, so its pages are all there are; what the others see of them is shown once.
_WHO_SEES_ALL: Final = "administrator"


def main(arguments: Sequence[str]) -> int:
    """Take the pictures; return 1 if a page, or the browser, had something to complain about."""
    options = _parse(arguments)
    staff = json.loads(options.staff)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        complaints, taken = _take_all(browser, options, staff)
        browser.close()
    print(f"{taken} pictures in {options.folder}", flush=True)
    return 1 if complaints else 0


def _report(who: str, visitor: Visitor) -> None:
    """Say at once what there is to say: all of it takes minutes."""
    print(f"{who}: {visitor.taken} pictures", flush=True)
    if visitor.complaints:
        print(tell(visitor.complaints), flush=True)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devtools.shots")
    parser.add_argument("--url", required=True)
    parser.add_argument("--production-url", required=True, help="the same with a second factor and without DEBUG")
    parser.add_argument("--staff", required=True, help="roles, usernames and passwords, as JSON")
    parser.add_argument("folder", type=Path)
    return parser.parse_args(arguments)


def _take_all(browser: Browser, options: argparse.Namespace, staff: list[dict[str, str]]) -> tuple[list[str], int]:
    complaints: list[str] = []
    taken = 0
    everything: list[str] = []
    for look in LOOKS:
        for member in staff:
            folder = options.folder / look.name / member["role"]
            with visiting(browser, options.url, look, folder) as visitor:
                log_in(visitor, member["username"], member["password"])
                everything = _visit(visitor, look, member["role"], everything)
                _report(f"{look.name} {member['role']}", visitor)
                complaints += visitor.complaints
                taken += visitor.taken
        with visiting(browser, options.url, look, options.folder / look.name) as visitor:
            _take_refusals(visitor, staff)
            _report(f"{look.name} refusals", visitor)
            complaints += visitor.complaints
            taken += visitor.taken
        with visiting(browser, options.production_url, look, options.folder / look.name) as visitor:
            _take_as_in_production(visitor, staff[0])
            _report(f"{look.name} as in production", visitor)
            complaints += visitor.complaints
            taken += visitor.taken
    return complaints, taken


def _visit(visitor: Visitor, look: Look, role: str, everything: list[str]) -> list[str]:
    """Look at every page on the first screen, and again on the others at those of whoever sees them all."""

    def take(address: str) -> None:
        visitor.take(name_file(address))

    if look is LOOKS[0]:
        pages = explore(visitor, found=take, is_quick=role != _WHO_SEES_ALL)
        return pages if role == _WHO_SEES_ALL else everything
    for address in everything if role == _WHO_SEES_ALL else [f"{visitor.base_url}/admin/"]:
        if visitor.open(address):
            take(address)
    return everything


def _take_refusals(visitor: Visitor, staff: list[dict[str, Any]]) -> None:
    """Take the pages that nobody wants to see."""
    visitor.open(f"{visitor.base_url}/admin/login/")
    visitor.take("log-in")
    visitor.expected_status = _LOCKED_OUT
    for _ in range(_WRONG_PASSWORDS):
        if visitor.page.locator("[name=username]").count():
            visitor.page.fill("[name=username]", "nobody-by-this-name")
            visitor.page.fill("[name=password]", "not the password")
            with visitor.page.expect_navigation():
                visitor.page.click("form button[type=submit]")
    visitor.take("locked-out")
    visitor.expected_status = _OK
    least = next(member for member in staff if member["role"] == "operator")
    log_in(visitor, least["username"], least["password"])
    visitor.expected_status = _FORBIDDEN
    visitor.open(f"{visitor.base_url}/admin/billing/wallet/")
    visitor.take("forbidden")
    visitor.expected_status = _OK


def _take_as_in_production(visitor: Visitor, member: dict[str, str]) -> None:
    visitor.expected_status = _NOT_FOUND
    visitor.open(f"{visitor.base_url}/no-such-page")
    visitor.take("not-found")
    visitor.expected_status = _OK
    log_in(visitor, member["username"], member["password"])
    visitor.take("second-factor-enrolment")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
