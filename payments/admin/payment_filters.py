"""What the list of payments can be narrowed by."""

from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest

from namaskah.back_office.filters import ChoiceFilter, DayRangeFilter
from payments.lifecycles import PaymentState, ReviewReason
from payments.models import PaymentLog
from payments.selectors import payment_lists

_ANY: Final = "any"
_YES: Final = "yes"


class StateFilter(ChoiceFilter):
    """By state."""

    title = "state"
    parameter_name = "state__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer every state."""
        return [(state.value, str(state.label)) for state in PaymentState]


class CurrencyFilter(ChoiceFilter):
    """By what it was to be paid in."""

    title = "currency"
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer what purchases can be made in."""
        return [(currency, currency) for currency in settings.CURRENCIES]


class ReviewFilter(ChoiceFilter):
    """By why a person must look at it."""

    title = "under review"
    parameter_name = "review_reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer every reason, and any of them."""
        return [(_ANY, "For any reason"), *((reason.value, str(reason.label)) for reason in ReviewReason)]

    def narrow(self, queryset: QuerySet[PaymentLog], value: str) -> QuerySet[PaymentLog]:
        """Keep those under review."""
        # So that the index of what is under review serves, whatever the reason.
        under_review = queryset.exclude(review_reason="")
        return under_review if value == _ANY else under_review.filter(review_reason=value)


class DeadLetterFilter(ChoiceFilter):
    """By whether an event about it is a dead letter."""

    title = "dead letter"
    parameter_name = "dead_letter"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 -- Django's signature
        """Offer those that have one: all others are nearly all."""
        return [(_YES, "Has one")]

    def narrow(self, queryset: QuerySet[PaymentLog], value: str) -> QuerySet[PaymentLog]:  # noqa: ARG002 -- one value
        """Keep those that have one."""
        return payment_lists.having_dead_letters(queryset)


class BegunFilter(DayRangeFilter):
    """By the days on which it was begun."""

    title = "begun"
    field_name = "created_at"
