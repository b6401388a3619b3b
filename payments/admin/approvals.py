"""What waits for a second person: adjustments and refunds, the oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.views import View

from billing.admin import adjustments as adjustment_pages
from billing.admin.cases import link_to_customer
from billing.models import CreditAdjustment
from billing.selectors.adjustments import list_waiting_adjustments
from billing.services import adjustments
from namaskah.back_office.action_pages import ActionPage, get_member
from namaskah.back_office.columns import QUIET, Label, Table, hide, keep_together, link, name_person, show_time
from namaskah.back_office.site import add_page
from payments.admin.refund_actions import ApproveRefund, RejectRefund
from payments.admin.refund_words import show_credits_effect, show_money
from payments.models import Refund
from payments.selectors.refunds import list_waiting_refunds
from payments.services import refunds

# Of each: whoever decides about so many sees the others then.
SHOWN: Final = 100
_HEADERS: Final = ["Waits since", "What", "Customer", "Effect", "Why", "Asked by", "Decide"]
_NOT_YOURS: Final = Label("Not yours to decide", QUIET, "You asked for it, or it is about your own credits or payment.")


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One thing that waits, and its row."""

    since: datetime
    cells: list[Any]


class Approvals(View):
    """GET /admin/approvals/"""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show what waits, of what whoever looks decides about."""
        by = get_member(request)
        found: list[_Waiting] = []
        if by.has_perm(adjustments.APPROVE_PERMISSION):
            found += [_tell_adjustment(row, by) for row in list_waiting_adjustments()[:SHOWN]]
        elif not by.has_perm(refunds.APPROVE_PERMISSION):
            raise PermissionDenied
        if by.has_perm(refunds.APPROVE_PERMISSION):
            found += [_tell_refund(row, by) for row in list_waiting_refunds()[:SHOWN]]
        found.sort(key=lambda waiting: waiting.since)
        table = Table(
            title="The oldest first",
            headers=_HEADERS,
            rows=[waiting.cells for waiting in found],
            empty="Nothing waits for a second person.",
        )
        context = {**admin.site.each_context(request), "title": "Approvals", "table": table, "shown": SHOWN}
        return render(request, "back_office/approvals.html", context)


def _tell_adjustment(row: CreditAdjustment, by: User) -> _Waiting:
    pages: Sequence[type[ActionPage]] = [adjustment_pages.ApproveAdjustment, adjustment_pages.RejectAdjustment]
    what = f"{adjustment_pages.show_change(row.amount)} credits"
    cells = [
        show_time(row.created_at),
        link(what, pages[0]().url_of(row)),
        link_to_customer(row.user),
        f"Balance {adjustment_pages.show_effect(row)}",
        f"{row.get_reason_code_display()}, {row.ticket}: {row.note}",
        name_person(row.requested_by),
        _offer(pages, row, by, what=row.reference),
    ]
    return _Waiting(row.created_at, cells)


def _tell_refund(row: Refund, by: User) -> _Waiting:
    pages: Sequence[type[ActionPage]] = [ApproveRefund, RejectRefund]
    cells = [
        show_time(row.created_at),
        link(f"Refund {show_money(row)}", pages[0]().url_of(row)),
        link_to_customer(row.payment.user),
        f"{show_money(row)} to the payer. Credits: {show_credits_effect(row)}",
        row.reason,
        name_person(row.requested_by) if row.requested_by else "somebody at Paystack",
        _offer(pages, row, by, what=row.reference),
    ]
    return _Waiting(row.created_at, cells)


def _offer(pages: Sequence[type[ActionPage]], row: Any, by: User, *, what: str) -> Any:
    """Return links to what `by` may do, or that a colleague must."""
    offered = [page for page in pages if page.is_offered_to(by, row)]
    if not offered:
        return _NOT_YOURS
    links = (link(format_html("{}{}", page.title.split()[0], hide(what)), page.address_of(row)) for page in offered)
    return keep_together(format_html_join(" · ", "{}", ((offer,) for offer in links)))


add_page("approvals/", Approvals.as_view(), name="approvals")
