"""The way of a delivery into the product: the whole WSGI application, called as a server calls it."""

import io
import json
import sys
from dataclasses import dataclass
from typing import Any

from django.core.handlers.wsgi import WSGIHandler

from tests.integration.webhooks.expectations import Expectation
from tests.processes.product import WEBHOOK_PATH
from tests.webhook_mutations import Delivery


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def told(self) -> Expectation:
        """Status and problem code, which is empty for exactly what a success answers."""
        return Expectation(self.status, "" if self.body == {"status": "success"} else self.body["code"])


def send(
    application: WSGIHandler, delivery: Delivery, *, address: str = "127.0.0.1", is_chunked: bool = False
) -> Answer:
    """Hand `delivery` over as if it came from `address`; if it is chunked, its length is not told."""
    environ = _environ(delivery, address)
    if is_chunked:
        del environ["CONTENT_LENGTH"]
        environ |= {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    told: list[Any] = []
    response = application(environ, lambda status, headers: told.extend([status, headers]))
    content = b"".join(response)
    response.close()
    return Answer(int(told[0].split()[0]), dict(told[1]), json.loads(content))


def _environ(delivery: Delivery, address: str) -> dict[str, Any]:
    announced = len(delivery.sent) if delivery.announced_bytes is None else delivery.announced_bytes
    environ = {
        "REQUEST_METHOD": delivery.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": WEBHOOK_PATH,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": address,
        "HTTP_HOST": "localhost",
        "CONTENT_LENGTH": str(announced),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(delivery.sent),
        "wsgi.errors": sys.stderr,
        **delivery.headers,
    }
    if delivery.content_type is not None:
        environ["CONTENT_TYPE"] = delivery.content_type
    if delivery.signature is not None:
        environ["HTTP_X_PAYSTACK_SIGNATURE"] = delivery.signature
    return environ
