"""The one way in which payments, refunds and disputes change."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models

from namaskah.set_based import update_rows
from namaskah.states import StateModel


class VersionedModel(StateModel):
    """Base of models whose rows are changed at the version that they were read with, many in one statement."""

    # What changes during a row's life, beside `updated_at`; everything else is fixed at birth, as the database says.
    changing_fields: ClassVar[tuple[str, ...]]
    updated_at: "models.DateTimeField[Any, Any]"

    class Meta:
        abstract = True

    @property
    def changing_values(self) -> tuple[object, ...]:
        """What to compare before and after, to write the rows alone that changed."""
        return tuple(getattr(self, name) for name in self.changing_fields)

    @classmethod
    def write(cls, rows: Iterable[Self], *, now: datetime) -> None:
        """Write changed rows in one statement; the caller holds the transaction and the rows' locks.

        :raises ConcurrentUpdateError: if a row changed since it was read.
        """
        changed = list(rows)
        for row in changed:
            row.updated_at = now
        update_rows(changed, (*cls.changing_fields, "updated_at"), version="lock_version")

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert a new row; a changed one goes through `write`, which checks the version."""
        if not self._state.adding:
            name = type(self).__name__
            raise TypeError(f"{name} rows are changed through {name}.write only")
        super().save(*args, **kwargs)
