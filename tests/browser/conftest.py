"""A real Chromium before the product as it runs in production: DEBUG off, files served by whitenoise."""

import pytest
from django.db import connections
from playwright.sync_api import sync_playwright

from tests.faults.conftest import sandbox, valkey  # noqa: F401 -- pytest finds fixtures by their names in a conftest
from tests.processes import product

PRODUCTION = {"DEBUG": "off", "ALLOW_TEST_KEY": "on", "SECURE_SSL_REDIRECT": "off"}


@pytest.fixture(scope="package")
def chromium():
    with pytest.MonkeyPatch.context() as environment:
        with sync_playwright() as playwright:
            # Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
            environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            yield browser
            browser.close()
            # Its loop gives what runs in it a connection of its own, which nobody else would close.
            connections.close_all()
        # That from before may have been ended meanwhile, with what else was connected.
        connections.close_all()


@pytest.fixture
def production(transactional_db, valkey, sandbox, tmp_path):  # noqa: F811 -- the fixtures that are imported above
    with product.running(
        redis_url=valkey.url, paystack_url=sandbox.url, logs=tmp_path, environment=PRODUCTION
    ) as running:
        running.start_web()
        yield running


class Visit:
    """A page, and what the browser said and asked for while it was open."""

    def __init__(self, page):
        self.page = page
        self.complaints = []
        self.addresses = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.addresses.append(request.url))

    def scrolls_sideways(self):
        return self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


@pytest.fixture
def visit(chromium, production):
    """Return how a page is opened: on a phone or a desk, in light or in dark."""
    contexts = []

    def open_page(path, *, width=1280, scheme="light"):
        contexts.append(
            chromium.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, base_url=production.url)
        )
        visit = Visit(contexts[-1].new_page())
        visit.page.goto(path, wait_until="networkidle")
        return visit

    yield open_page
    for context in contexts:
        context.close()
