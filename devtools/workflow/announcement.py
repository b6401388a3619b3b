"""What `dev.py up` prints when everything runs."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_WIDTH = 11


@dataclass(frozen=True)
class Announcement:
    """Everything a person needs to try it."""

    web_url: str
    sandbox_url: str | None
    demonstration: Mapping[str, Any]
    api_key: str
    example_key: str
    logs: str
    reference: str = "nmk-…"

    def text(self) -> str:
        """Return the lines."""
        variables = ["  For docs/API_GUIDE.md, in another terminal:", *self.export_lines()]
        parts = [self._urls(), self._log_ins(), variables, self._curl_lines(), ["Ctrl-C stops all of it."]]
        return "\n".join(line for part in parts for line in ["", *part])

    def export_lines(self) -> list[str]:
        """Return the lines that set the variables of the API guide in a shell."""
        variables = {
            "NAMASKAH_URL": self.web_url,
            "NAMASKAH_KEY": self.api_key,
            "NAMASKAH_USER_ID": str(self.demonstration["customer"]["user_id"]),
            "SANDBOX_URL": self.sandbox_url,
        }
        return [f"  export {name}={shlex.quote(value)}" for name, value in variables.items() if value]

    def _urls(self) -> list[str]:
        sandbox = [f"  sandbox     {self.sandbox_url}/"] if self.sandbox_url else []
        return [
            f"  API         {self.web_url}/api/docs",
            f"  back office {self.web_url}/admin/",
            *sandbox,
            f"  logs        {self.logs}",
        ]

    def _log_ins(self) -> list[str]:
        staff = self.demonstration.get("staff", ())
        width = max(_WIDTH, *(len(member["role"]) for member in staff)) if staff else _WIDTH
        lines = [f"  {member['role']:<{width}} {member['username']} / {member['password']}" for member in staff]
        title = ["  Log in to the back office, each with what the role may do:"] if staff else []
        return [*title, *lines, f"  {'API key':<{width}} {self.api_key}"]

    def _curl_lines(self) -> list[str]:
        authorization = f"-H 'Authorization: Bearer {self.api_key}'"
        json = "-H 'Content-Type: application/json' -d"
        api = f"{self.web_url}/api/v1"
        amount, reference = '{"amount_usd": "10.00"}', f'{{"reference": "{self.reference}"}}'
        key = f"-H 'Idempotency-Key: {self.example_key}'"
        return [
            f"  curl {authorization} {api}/billing/balance",
            f"  curl {authorization} {key} {json} '{amount}' {api}/payments/initialize",
            f"  curl {authorization} {json} '{reference}' {api}/payments/verify",
        ]
