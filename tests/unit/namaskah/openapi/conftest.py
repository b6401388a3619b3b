import json

import pytest

from namaskah.openapi import views


@pytest.fixture(scope="session")
def description():
    """Return the whole description of the API, as clients get it."""
    return json.loads(views._render("application/json"))
