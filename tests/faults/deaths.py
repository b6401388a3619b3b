"""Every way for a web process to die in a keyed request: where, and what must be left behind.

A point `X.written` is after everything that belongs to recovery point X was written and before its COMMIT
was sent, `X.committed` is after that COMMIT was answered. tests/processes/dying_wsgi.py passes the points.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Death:
    """Where the process of the first request dies, and of those after it that come to die too.

    `leaves` is the key's recovery point in the database then ("" for no key), `rows` what the request has made
    by then (payments, ledger entries or events), `pages` how many checkout pages the gateway has made in the end,
    and `asked` how often it was asked for one that it refused.
    """

    points: tuple[str, ...]
    leaves: str
    rows: int = 0
    pages: int = 1
    asked: int = 0

    @property
    def name(self) -> str:
        return ", then ".join(self.points)


INITIALIZE: Final = (
    Death(("request.begun",), ""),
    Death(("claim.begun",), ""),
    Death(("started.written",), ""),
    Death(("started.committed",), "started"),
    Death(("payment_created.written",), "started"),
    Death(("payment_created.committed",), "payment_created", rows=1),
    Death(("initialize.unsent",), "payment_created", rows=1),
    # The page that the gateway made is lost with its address: the purchase goes on under another reference.
    Death(("initialize.answered",), "payment_created", rows=1, pages=2),
    Death(("gateway_called.written",), "payment_created", rows=1, pages=2),
    Death(("gateway_called.committed",), "gateway_called", rows=1),
    Death(("finish.begun",), "gateway_called", rows=1),
    Death(("finished.written",), "gateway_called", rows=1),
    Death(("finished.committed",), "finished", rows=1),
    Death(("answer.rendered",), "finished", rows=1),
    # The next request dies as well, in what it does to find out.
    Death(("started.committed", "started.committed"), "started"),
    Death(("payment_created.written", "payment_created.written"), "started"),
    Death(("initialize.unsent", "started.committed"), "payment_created", rows=1),
    Death(("initialize.unsent", "initialize.unsent"), "payment_created", rows=1),
    Death(("initialize.unsent", "initialize.answered"), "payment_created", rows=1, pages=2),
    Death(("initialize.answered", "verify.unsent"), "payment_created", rows=1, pages=2),
    Death(("initialize.answered", "verify.answered"), "payment_created", rows=1, pages=2),
    Death(("initialize.answered", "credit.written"), "payment_created", rows=1, pages=2),
    Death(("initialize.answered", "payment_created.written"), "payment_created", rows=1, pages=2),
    Death(("initialize.answered", "payment_created.committed"), "payment_created", rows=2, pages=2),
    Death(("initialize.answered", "initialize.unsent"), "payment_created", rows=2, pages=2),
    Death(("initialize.answered", "initialize.answered"), "payment_created", rows=2, pages=3),
    Death(("initialize.answered", "gateway_called.committed"), "gateway_called", rows=2, pages=2),
)

# The page is paid when the first process is dead, so the next one finds the money and credits it.
PAID_MEANWHILE: Final = (
    Death(("initialize.answered",), "payment_created", rows=1),
    Death(("gateway_called.written", "verify.answered"), "payment_created", rows=1),
    Death(("initialize.answered", "credit.written"), "payment_created", rows=1),
    Death(("initialize.answered", "credit.committed"), "payment_created", rows=1),
    Death(("initialize.answered", "finish.begun"), "payment_created", rows=1),
    Death(("initialize.answered", "finished.committed"), "finished", rows=1),
    Death(("gateway_called.committed", "finish.begun"), "gateway_called", rows=1),
)

# The gateway says no: that is the answer, and it stands.
REFUSED: Final = (
    # Nobody knows of the refusal yet, and it changed nothing there, so the gateway is asked again.
    Death(("initialize.answered",), "payment_created", rows=1, pages=0, asked=2),
    Death(("gateway_called.written",), "payment_created", rows=1, pages=0, asked=2),
    Death(("gateway_called.committed",), "gateway_called", rows=1, pages=0, asked=1),
    Death(("finish.begun",), "gateway_called", rows=1, pages=0, asked=1),
    Death(("finished.committed",), "finished", rows=1, pages=0, asked=1),
    Death(("answer.rendered",), "finished", rows=1, pages=0, asked=1),
)

# Of a debit, and of its reversal.
ENTRY: Final = (
    Death(("request.begun",), ""),
    Death(("claim.begun",), ""),
    Death(("started.written",), ""),
    Death(("started.committed",), "started"),
    Death(("entry_posted.written",), "started"),
    Death(("entry_posted.committed",), "entry_posted", rows=1),
    Death(("finish.begun",), "entry_posted", rows=1),
    Death(("finished.written",), "entry_posted", rows=1),
    Death(("finished.committed",), "finished", rows=1),
    Death(("answer.rendered",), "finished", rows=1),
    Death(("started.committed", "started.committed"), "started"),
    Death(("entry_posted.written", "entry_posted.written"), "started"),
    Death(("entry_posted.committed", "finish.begun"), "entry_posted", rows=1),
)

# Its hold, its ledger entry and itself are written in one transaction; the gateway is asked by a worker, later.
REFUND: Final = (
    Death(("request.begun",), ""),
    Death(("claim.begun",), ""),
    Death(("started.written",), ""),
    Death(("started.committed",), "started"),
    Death(("refund_created.written",), "started"),
    Death(("refund_created.committed",), "refund_created", rows=1),
    Death(("finish.begun",), "refund_created", rows=1),
    Death(("finished.written",), "refund_created", rows=1),
    Death(("finished.committed",), "finished", rows=1),
    Death(("answer.rendered",), "finished", rows=1),
    Death(("started.committed", "started.committed"), "started"),
    Death(("refund_created.written", "refund_created.written"), "started"),
    Death(("refund_created.committed", "finish.begun"), "refund_created", rows=1),
    Death(("refund_created.committed", "finished.committed"), "finished", rows=1),
)

# Verify stores no answer.
VERIFY: Final = (
    Death(("request.begun",), ""),
    Death(("verify.unsent",), ""),
    Death(("verify.answered",), ""),
    Death(("credit.written",), ""),
    Death(("credit.committed",), "", rows=1),
    Death(("answer.rendered",), "", rows=1),
)

# The acknowledgement of a webhook is one statement and has no key.
WEBHOOK: Final = (
    Death(("request.begun",), ""),
    Death(("answer.rendered",), "", rows=1),
)

ALL: Final = (*INITIALIZE, *PAID_MEANWHILE, *REFUSED, *ENTRY, *REFUND, *VERIFY, *WEBHOOK)
