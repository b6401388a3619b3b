"""State fields on django-fsm whose protection survives refresh, lock and `full_clean`.

django-fsm 3.0.1 refuses every second assignment to a protected field, also the one that
`refresh_from_db` makes; its own mixin then silently keeps the old state. Here an equal value and
a reload pass, anything else is refused. What bypasses Python (`update()`, raw SQL, a deferred
field) is caught by the database's triggers.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

import django_fsm
from django.db import models
from django_fsm import FSMField, FSMFieldDescriptor

TransitionMethod = TypeVar("TransitionMethod", bound=Callable[..., None])


class StateDescriptor(FSMFieldDescriptor):  # type: ignore[misc]  # -- django-fsm has no types
    """Lets an equal value and a reload through, refuses every other assignment."""

    def __set__(self, instance: models.Model, value: str) -> None:
        name = self.field.name
        is_changed = name in instance.__dict__ and instance.__dict__[name] != value
        if is_changed and not getattr(instance, "_is_reloading", False):
            raise AttributeError(f"{name} changes through its transitions only")
        self.field.set_state(instance, value)


class StateField(FSMField):  # type: ignore[misc]  # -- django-fsm has no types
    """An FSMField that is always protected."""

    descriptor_class = StateDescriptor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["protected"] = True
        super().__init__(*args, **kwargs)


class StateModel(models.Model):
    """Base of models with a `StateField`."""

    _is_reloading: bool

    class Meta:
        abstract = True

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Any] | None = None,
    ) -> None:
        """Reload the row, the state included."""
        self._is_reloading = True
        try:
            super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        finally:
            del self._is_reloading


def transition(
    *, field: "StateField", source: Sequence[str], target: str
) -> Callable[[TransitionMethod], TransitionMethod]:
    """Return django-fsm's decorator, with types: a method that may be called in `source` and leads to `target`."""
    return cast(
        "Callable[[TransitionMethod], TransitionMethod]",
        django_fsm.transition(field=field, source=list(source), target=target),
    )
