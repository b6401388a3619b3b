# A gateway serves the commands here as it serves the services that they call.
from tests.unit.payments.services.conftest import sandbox  # noqa: F401 -- pytest finds fixtures by their names
