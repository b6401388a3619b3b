import contextlib

import pytest
from django.db import connection

# An API client and a gateway serve the tests of traps and races here as they serve those of the API.
from tests.integration.api.conftest import (  # noqa: F401 -- pytest finds fixtures by their names in a conftest
    api,
    fresh_process,
    other_api,
    other_service,
    rate,
    running_sandbox,
    sandbox,
    service,
    unlimited,
)


@pytest.fixture
def scratch_database(transactional_db):
    """A copy of the test database, for tests that tear its rules down."""
    creation = connection.creation
    connection.close()
    creation.clone_test_db("scratch", verbosity=0, autoclobber=True)
    # Threads make their connections from this same dictionary.
    own_name = connection.settings_dict["NAME"]
    scratch_name = creation.get_test_db_clone_settings("scratch")["NAME"]
    connection.settings_dict["NAME"] = scratch_name
    with contextlib.ExitStack() as stack:
        stack.callback(_drop, scratch_name)
        stack.callback(connection.settings_dict.__setitem__, "NAME", own_name)
        stack.callback(connection.close)
        yield


def _drop(name: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {connection.ops.quote_name(name)} WITH (FORCE)")
