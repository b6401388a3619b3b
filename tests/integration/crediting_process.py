"""Processes that credit batches, forked from this one once it has imported everything.

A line of JSON is an order: for each process a list of batches, each a list of references with the
gateway's transaction id. The answer is a line too: how often each thing became of a payment.
"""

import json
import multiprocessing
import sys
from collections import Counter

import django

django.setup()

from django.utils import timezone  # noqa: E402 -- needs the set-up

from payments.models import PaymentLog  # noqa: E402 -- needs the set-up
from payments.services import crediting  # noqa: E402 -- needs the set-up
from tests.factories.payments import CAUSE, EvidenceFactory  # noqa: E402 -- needs the set-up

PROCESSES = int(sys.argv[1])


_context = multiprocessing.get_context("fork")
# Each process takes one part of an order, and all begin at once.
_start_line = _context.Barrier(PROCESSES)


def main() -> None:
    with _context.Pool(PROCESSES) as pool:
        for order in sys.stdin:
            became: Counter[str] = Counter()
            for part in pool.map(_carry_out, json.loads(order), chunksize=1):
                became.update(part)
            sys.stdout.write(json.dumps(became) + "\n")
            sys.stdout.flush()


def _carry_out(batches: list[list[tuple[str, int]]]) -> list[str]:
    _start_line.wait(timeout=20)
    return [result for batch in batches for result in _credit(batch)]


def _credit(batch: list[tuple[str, int]]) -> list[str]:
    payments = PaymentLog.objects.in_bulk([reference for reference, _ in batch], field_name="reference")
    requests = [
        crediting.CreditRequest(
            evidence=EvidenceFactory(of=payments[reference], gateway_transaction_id=transaction_id), cause=CAUSE
        )
        for reference, transaction_id in batch
    ]
    try:
        outcomes = crediting.credit_payments(requests, now=timezone.now())
    except Exception as error:  # noqa: BLE001 -- the test counts what went wrong
        return [type(error.__cause__ or error).__name__]
    return [outcome.result.value for outcome in outcomes]


if __name__ == "__main__":
    main()
