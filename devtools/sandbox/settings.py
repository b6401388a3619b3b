"""What can be changed about a sandbox, also while it runs."""

from dataclasses import dataclass, field


@dataclass
class Settings:
    """Paystack's retry rule is the shape of `retry_seconds`: the wait before each further attempt at a delivery."""

    secret_key: str = field(repr=False)
    webhook_url: str = ""
    retry_seconds: tuple[float, ...] = (1.0, 1.0, 2.0, 2.0)
    # As documented for test mode (https://paystack.com/docs/payments/webhooks).
    webhook_timeout_seconds: float = 30.0
    latency_milliseconds: int = 0
    merchant_name: str = "Namaskah"
    currencies: tuple[str, ...] = ("NGN", "GHS", "KES", "ZAR", "USD", "XOF")

    @property
    def domain(self) -> str:
        """The mode that the key stands for."""
        return "live" if self.secret_key.startswith("sk_live_") else "test"
