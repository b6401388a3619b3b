"""Every form of the back office that acts: how a situation for it comes about, what is sent, and what it comes to.

A form without an entry in FORMS fails the suite, and so does an address that takes a form and is none of these, unless
OF_NO_MONEY says why it may be sent as often as one likes.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from django.contrib.auth.models import User
from django.db import models

from billing.models import CreditAdjustment, ExchangeRate, Hold, Transaction
from namaskah.api_keys.models import ApiKey
from namaskah.audit.models import AuditEntry, Note
from payments.models import Refund, ReplayRun, ReviewDecision, WebhookAttempt
from tests.factories.api_keys import make_api_key
from tests.factories.users import UserFactory
from tests.integration.back_office import money_situations as situations
from tests.integration.back_office import payment_cases

SUPERUSER: Final = "superuser"
# What a form that was opened at the same time says once the other has acted.
CHANGED: Final = "Something changed since you opened this page. Look again; nothing was done."
# Opened twice it is meant twice: each does what it says.
MEANT_TWICE: Final = ""

_COUNTED: Final[dict[str, type[models.Model]]] = {
    "entries": Transaction,
    "holds": Hold,
    "adjustments": CreditAdjustment,
    "refunds": Refund,
    "decisions": ReviewDecision,
    "attempts": WebhookAttempt,
    "runs": ReplayRun,
    "rates": ExchangeRate,
    "keys": ApiKey,
    "notes": Note,
    "accounts": User,
}
# What looking at pages and sitting down leaves in the audit log.
_NO_DEEDS: Final = ("log_in", "log_out", "payment.view", "customer.view")


@dataclass(frozen=True, kw_only=True)
class MoneyForm:
    """A form, and what sending it once comes to: so many rows of each kind, and one done deed in the audit log."""

    address: str
    role: str
    set_up: situations.SetUp
    case: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    # What another form that was opened at the same time is told after this one has acted.
    told: str = CHANGED
    # Rehearsing what it would do needs database transactions of its own.
    rehearses: bool = False
    # There is one subject alone: no other address could be sent its token.
    has_others: bool = True
    # What it did can be done once more: the form is offered still.
    is_open_again: bool = False

    @property
    def is_keyed(self) -> bool:
        """Whether it makes something that the form's token is the key of."""
        return not self.rows.keys().isdisjoint({"adjustments", "refunds", "runs", "rates", "keys", "notes"})

    @property
    def effect(self) -> dict[str, int]:
        return {"deeds": 1} | self.rows

    def __str__(self) -> str:
        return f"{self.address} {self.case}".strip()


def count_effects() -> dict[str, int]:
    """Return how many rows there are of all that forms make."""
    deeds = AuditEntry.objects.filter(outcome="done")
    for start in _NO_DEEDS:
        deeds = deeds.exclude(action__startswith=start)
    return {name: model._default_manager.count() for name, model in _COUNTED.items()} | {"deeds": deeds.count()}


def find_effects(before: dict[str, int]) -> dict[str, int]:
    """Return how many more there are than before, of what there are more or fewer."""
    return {name: count - before[name] for name, count in count_effects().items() if count != before[name]}


_GIVE: Final = {"direction": "give", "amount": "10", "reason_code": "goodwill", "ticket": "T-7", "note": "Outage"}
_TAKE: Final = _GIVE | {"direction": "take", "reason_code": "correction"}
_REFUND: Final = {"amount": "8", "reason_code": "Paid twice", "ticket": "T-7", "note": "Seen the receipt"}
_NOTE: Final = {"text": "Called twice."}
_WHY: Final = {"reason": "They asked for it."}
_SEEN: Final = {"comment": "Seen the ticket."}
_END: Final = {"note": "The customer agreed."}
_MEMBER: Final = {"username": "tolu", "email": "tolu@example.com", "role": "Support"}

FORMS: Final = [
    # Credits by hand.
    MoneyForm(
        address="wallet-adjust",
        case="give",
        is_open_again=True,
        role="Support",
        set_up=situations.wallet,
        fields=_GIVE,
        rows={"adjustments": 1, "entries": 1},
    ),
    MoneyForm(
        address="wallet-adjust",
        case="take",
        is_open_again=True,
        role="Support",
        set_up=situations.wallet,
        fields=_TAKE,
        rows={"adjustments": 1, "entries": 1},
    ),
    MoneyForm(
        address="wallet-adjust",
        case="above the threshold",
        is_open_again=True,
        role="Support",
        set_up=situations.wallet_small_threshold,
        fields=_GIVE,
        rows={"adjustments": 1},
    ),
    MoneyForm(
        address="customer-adjust",
        is_open_again=True,
        role="Support",
        set_up=lambda _sandbox, _settings: situations.at("customer-adjust", UserFactory().pk),
        fields=_GIVE,
        rows={"adjustments": 1, "entries": 1},
    ),
    MoneyForm(
        address="adjustment-approve",
        case="give",
        role="Finance",
        set_up=situations.waiting_adjustment("adjustment-approve", "75"),
        fields=_SEEN,
        rows={"entries": 1},
    ),
    MoneyForm(
        address="adjustment-approve",
        case="take",
        role="Finance",
        set_up=situations.waiting_adjustment("adjustment-approve", "-75"),
        fields=_SEEN,
        rows={"entries": 1},
    ),
    MoneyForm(
        address="adjustment-reject",
        role="Finance",
        set_up=situations.waiting_adjustment("adjustment-reject", "75"),
        fields=_SEEN,
    ),
    # Refunds.
    MoneyForm(
        address="refund-request",
        case="a part",
        is_open_again=True,
        role="Support",
        set_up=situations.completed("refund-request"),
        fields=_REFUND,
        rows={"refunds": 1, "holds": 1, "entries": 1},
    ),
    MoneyForm(
        address="refund-request",
        case="all of it",
        role="Support",
        set_up=situations.completed("refund-request"),
        fields=_REFUND | {"amount": ""},
        rows={"refunds": 1, "holds": 1, "entries": 1},
    ),
    MoneyForm(
        address="refund-request",
        case="above the threshold",
        is_open_again=True,
        role="Support",
        set_up=situations.completed("refund-request", threshold=Decimal(5)),
        fields=_REFUND,
        rows={"refunds": 1, "holds": 1},
    ),
    MoneyForm(
        address="refund-approve",
        role="Finance",
        set_up=situations.refund_of(payment_cases.refund_waits, "refund-approve"),
        fields=_SEEN,
        rows={"entries": 1},
    ),
    MoneyForm(
        address="refund-reject",
        role="Finance",
        set_up=situations.refund_of(payment_cases.refund_waits, "refund-reject"),
        fields=_SEEN,
    ),
    MoneyForm(address="refund-look", role="Support", set_up=situations.sent_back_unheard),
    MoneyForm(
        address="refund-end-unsent", role="Finance", set_up=situations.lost_refund, fields=_SEEN, rows={"entries": 1}
    ),
    # Payments.
    MoneyForm(address="payment-verify", role="Support", set_up=situations.paid_unheard, rows={"entries": 1}),
    MoneyForm(
        address="review-credit",
        role="Finance",
        set_up=situations.under_review("review-credit"),
        fields=_END,
        rows={"entries": 1, "decisions": 1},
    ),
    MoneyForm(
        address="review-dismiss",
        role="Finance",
        set_up=situations.under_review("review-dismiss"),
        fields=_END,
        rows={"decisions": 1},
    ),
    # Webhook events.
    MoneyForm(
        address="webhook-replay",
        role="Support",
        set_up=situations.dead("webhook-replay"),
        fields=_WHY,
        rows={"entries": 1, "attempts": 1},
        rehearses=True,
    ),
    MoneyForm(
        address="webhook-replay-many",
        case="ticked",
        role="Support",
        set_up=situations.dead_letters,
        fields=_WHY,
        rows={"runs": 1},
        rehearses=True,
    ),
    MoneyForm(
        address="webhook-replay-many",
        case="matching",
        role="Support",
        set_up=situations.all_dead_letters,
        fields=_WHY,
        rows={"runs": 1},
        rehearses=True,
    ),
    MoneyForm(address="webhook-replay-stop", role="Support", set_up=situations.run),
    MoneyForm(
        address="webhook-dismiss",
        role="Operator",
        set_up=situations.dead("webhook-dismiss"),
        fields=_WHY,
        rows={"attempts": 1},
    ),
    MoneyForm(address="break-dismiss", role="Finance", set_up=situations.open_break("break-dismiss"), fields=_WHY),
    MoneyForm(address="break-take", role="Finance", set_up=situations.free_break),
    MoneyForm(address="break-hand-back", role="Finance", set_up=situations.taken_break),
    # What credits cost.
    MoneyForm(
        address="exchange-rate-set",
        role="Finance",
        set_up=situations.rate,
        fields={"units_per_usd": "1700"},
        rows={"rates": 1},
        is_open_again=True,
    ),
    # Who may move money.
    MoneyForm(
        address="api-key-issue",
        role="Operator",
        set_up=situations.account,
        fields={"username": "platform", "name": "billing"},
        rows={"keys": 1},
        has_others=False,
        is_open_again=True,
    ),
    MoneyForm(
        address="api-key-revoke",
        role="Operator",
        set_up=lambda _sandbox, _settings: situations.at("api-key-revoke", make_api_key(UserFactory())[0].pk),
        fields=_WHY,
    ),
    MoneyForm(
        address="staff-add",
        role=SUPERUSER,
        set_up=lambda _sandbox, _settings: situations.at("staff-add"),
        fields=_MEMBER,
        rows={"accounts": 1},
        has_others=False,
    ),
    MoneyForm(
        address="staff-change-role",
        role=SUPERUSER,
        set_up=situations.member("staff-change-role"),
        fields=_WHY | {"role": "Finance"},
    ),
    MoneyForm(address="staff-deactivate", role=SUPERUSER, set_up=situations.member("staff-deactivate"), fields=_WHY),
    MoneyForm(
        address="staff-reactivate",
        role=SUPERUSER,
        set_up=situations.member("staff-reactivate", is_active=False),
        fields=_WHY,
    ),
    MoneyForm(
        address="staff-reset-password", role=SUPERUSER, set_up=situations.member("staff-reset-password"), fields=_WHY
    ),
    MoneyForm(
        address="staff-reset-second-factor",
        role=SUPERUSER,
        set_up=situations.member("staff-reset-second-factor"),
        fields=_WHY,
    ),
    # What is said, and may be said twice.
    MoneyForm(
        address="payment-note",
        role="Support",
        set_up=situations.completed("payment-note"),
        fields=_NOTE,
        rows={"notes": 1},
        told=MEANT_TWICE,
    ),
    MoneyForm(
        address="customer-note",
        role="Support",
        set_up=lambda _sandbox, _settings: situations.at("customer-note", UserFactory().pk),
        fields=_NOTE,
        rows={"notes": 1},
        told=MEANT_TWICE,
    ),
]

# Addresses that are no such forms, and why one may send to them as often as one likes.
OF_NO_MONEY: Final = {
    **dict.fromkeys(
        ["index", "approvals", "app_list", "autocomplete", "jsi18n", "view_on_site", "password_change_done"],
        "shows something",
    ),
    **dict.fromkeys(["login", "logout", "second-factor", "second-factor-mine"], "says who sits there"),
    **dict.fromkeys(
        ["password_change", "set-password", "second-factor-enrol"],
        "gives whoever sits there another way in; the one before ends",
    ),
}
