"""`dev.py manage`: a management command with the settings of development."""

from collections.abc import Sequence

from devtools.workflow import data_servers, dotenv, environments, foreground
from devtools.workflow.checkout import Checkout
from devtools.workflow.up import RUN_NAME, SANDBOX_URL_FILE

_USUAL_SANDBOX_URL = "http://127.0.0.1:8001"


def run(checkout: Checkout, arguments: Sequence[str]) -> int:
    """Run `manage.py` and return its exit status."""
    data_servers.install(checkout, "embedded")
    configured = dotenv.configured(checkout.root)
    with data_servers.shared(checkout) as servers:
        base = environments.for_servers(servers.urls, configured)
        environment = environments.for_development(base, configured, checkout.local / "secret-key")
        if environment["PAYSTACK_SECRET_KEY"] == environments.SANDBOX_SECRET_KEY:
            environment["PAYSTACK_BASE_URL"] = sandbox_url(checkout)
        return foreground.run([checkout.python, "manage.py", *arguments], environment, checkout.root)


def sandbox_url(checkout: Checkout) -> str:
    """Return where the sandbox of `dev.py up` listens or listened last; its key never goes to the real Paystack."""
    file = checkout.local / RUN_NAME / SANDBOX_URL_FILE
    return file.read_text() if file.exists() else _USUAL_SANDBOX_URL
