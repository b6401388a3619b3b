"""A product over HTTP that credits as often as a test wants, to show that the purchase notices."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self


class StandIn:
    """Product and sandbox in one: `credits_per_payment` is the defect to be noticed."""

    def __init__(self, *, credits_per_payment: int = 1, refusals: int = 0) -> None:
        self.credits_per_payment = credits_per_payment
        self.refusals = refusals
        self.requests: list[tuple[str, str]] = []
        self.ledger: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.01,)).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: Any) -> tuple[int, object]:
        self.requests.append((method, path))
        if self.refusals:
            self.refusals -= 1
            return 429, {"code": "rate_limited"}
        if path == "/sandbox/pay":
            credit = {"amount": "25.00", "payment_reference": body["reference"]}
            self.ledger += [credit] * self.credits_per_payment
        return {
            "/api/v1/payments/initialize": (201, {"reference": "nmk-1", "authorization_url": "http://pay"}),
            "/sandbox/pay": (200, {}),
            "/api/v1/payments/verify": (200, {"state": "completed"}),
            "/api/v1/billing/balance": (200, {"balance": f"{10 + 25 * len(self.ledger)}.00"}),
            "/api/v1/billing/transactions": (200, {"results": self.ledger}),
        }.get(path.partition("?")[0], (404, {"code": "not_found"}))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._respond(None)

            def do_POST(self) -> None:
                self._respond(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _respond(self, body: object) -> None:
                status, answer = stand_in.answer(self.command, self.path, body)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
