"""Filters of lists: plain fields with labels, which ask the database for no values of their own.

Django's filter of a column without choices reads every row to find out what there is.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib.admin import SimpleListFilter
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import INPUT_CLASSES, UnfoldAdminSelectWidget

from namaskah.back_office.columns import as_sentence
from namaskah.back_office.paging import WrongParameterError

_TEMPLATE: Final = "unfold/filters/filters_field.html"
# Those that an id can tell, and that overflow in no time zone.
_YEARS: Final = range(1971, 9000)


class ChoiceFilter(SimpleListFilter):
    """One of a few values, from a drop-down; a subclass names them in `lookups` and narrows in `narrow`."""

    template = _TEMPLATE

    def narrow(self, queryset: "QuerySet[Any]", value: str) -> "QuerySet[Any]":
        """Return the rows of the value."""
        return queryset.filter(**{str(self.parameter_name): value})

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":  # noqa: ARG002 -- Django's signature
        """Narrow the list.

        :raises WrongParameterError: if the value is none of the choices: to leave it out would show and do too much.
        """
        value = self.value()
        if not value:
            return queryset
        if value not in {str(choice) for choice, _ in self.lookup_choices}:
            raise WrongParameterError(f'There is no {self.title} "{value[:50]}".')
        return self.narrow(queryset, value)

    def choices(self, changelist: Any) -> Iterator[Any]:  # noqa: ARG002 -- Django's signature
        """Return the field."""
        form = forms.Form({str(self.parameter_name): self.value() or ""})
        form.fields[str(self.parameter_name)] = forms.ChoiceField(
            label=str(self.title).capitalize(),
            required=False,
            choices=[("", "All"), *((value, as_sentence(label)) for value, label in self.lookup_choices)],
            widget=UnfoldAdminSelectWidget(),
        )
        yield {"form": form}


def has_few_values(model: type[models.Model], name: str) -> bool:
    """Whether the field says itself which values there are."""
    field: Any = model._meta.get_field(name)
    return isinstance(field, models.BooleanField) or bool(field.choices)


def choose_field(model: type[models.Model], name: str) -> type[ChoiceFilter]:
    """Return the filter by a field of few values, under the name by which Django's own is asked for."""
    field: Any = model._meta.get_field(name)
    is_yes_or_no = isinstance(field, models.BooleanField)

    class FieldFilter(ChoiceFilter):
        title = str(field.verbose_name)
        parameter_name = f"{name}__exact"

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:  # noqa: ARG002 -- Django's signature
            return [("1", "Yes"), ("0", "No")] if is_yes_or_no else list(field.flatchoices)

    return FieldFilter


class DayRangeFilter(SimpleListFilter):
    """From one day to another, both included, in the time zone of reports; `field_name` is what is compared."""

    template = _TEMPLATE
    field_name: ClassVar[str]

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        self._ends = (f"{self.field_name}_from", f"{self.field_name}_to")
        self.parameter_name = self._ends[0]
        super().__init__(request, params, model, model_admin)
        if self._ends[1] in params:
            self.used_parameters[self._ends[1]] = params.pop(self._ends[1])[-1]

    def expected_parameters(self) -> list[str | None]:
        """Return both ends."""
        return [*self._ends]

    def has_output(self) -> bool:
        """Show it always."""
        return True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:  # noqa: ARG002 -- Django's signature
        """There are no values to choose from."""
        return []

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":  # noqa: ARG002 -- Django's signature
        """Narrow the list by the ends that are given.

        :raises WrongParameterError: if one is no day.
        """
        first, last = (read_day(self.used_parameters.get(end)) for end in self._ends)
        if first:
            queryset = self.since(queryset, _begin(first))
        if last:
            queryset = self.before(queryset, _begin(last + timedelta(days=1)))
        return queryset

    def since(self, queryset: "QuerySet[Any]", moment: datetime) -> "QuerySet[Any]":
        """Return what is not older than the moment."""
        return queryset.filter(**{f"{self.field_name}__gte": moment})

    def before(self, queryset: "QuerySet[Any]", moment: datetime) -> "QuerySet[Any]":
        """Return what is older than the moment."""
        return queryset.filter(**{f"{self.field_name}__lt": moment})

    def choices(self, changelist: Any) -> Iterator[Any]:  # noqa: ARG002 -- Django's signature
        """Return both fields."""
        form = forms.Form({end: self.used_parameters.get(end, "") for end in self._ends})
        for end, label in zip(self._ends, ("from", "to"), strict=True):
            form.fields[end] = forms.CharField(
                label=f"{self.title} {label}".capitalize(),
                required=False,
                widget=forms.DateInput(attrs={"type": "date", "class": " ".join(INPUT_CLASSES)}),
            )
        yield {"form": form}


def read_day(text: str | None) -> date | None:
    """Return the day that an address asks for; nothing if it asks for none.

    :raises WrongParameterError: if it is no day on which anything could have happened.
    """
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise WrongParameterError(f'"{text[:50]}" is no day.') from error
    if day.year not in _YEARS:
        raise WrongParameterError(f"Nothing happened here in the year {day.year}.")
    return day


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(settings.REPORT_TIME_ZONE))
