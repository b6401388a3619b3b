"""What `dev.py up` prints when everything runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Announcement:
    """Everything a person needs to try it."""

    web_url: str
    sandbox_url: str | None
    demonstration: Mapping[str, Any]
    api_key: str
    example_key: str
    logs: str

    def text(self) -> str:
        """Return the lines."""
        return "\n".join(
            ["", *self._urls(), "", *self._log_ins(), "", *self._curl_lines(), "", "Ctrl-C stops all of it."]
        )

    def _urls(self) -> list[str]:
        sandbox = [f"  sandbox     {self.sandbox_url}/"] if self.sandbox_url else []
        return [
            f"  API         {self.web_url}/api/v1",
            f"  back office {self.web_url}/admin/",
            *sandbox,
            f"  logs        {self.logs}",
        ]

    def _log_ins(self) -> list[str]:
        staff = [
            f"  {member['role']:<11} {member['username']} / {member['password']}"
            for member in self.demonstration.get("staff", ())
        ]
        return [*staff, f"  API key     {self.api_key}"]

    def _curl_lines(self) -> list[str]:
        authorization = f"-H 'Authorization: Bearer {self.api_key}'"
        json = "-H 'Content-Type: application/json' -d"
        api = f"{self.web_url}/api/v1"
        amount, reference = '{"amount_usd": "10.00"}', '{"reference": "nmk-…"}'
        key = f"-H 'Idempotency-Key: {self.example_key}'"
        return [
            f"  curl {authorization} {api}/billing/balance",
            f"  curl {authorization} {key} {json} '{amount}' {api}/payments/initialize",
            f"  curl {authorization} {json} '{reference}' {api}/payments/verify",
        ]
