"""Admin pages that show and change nothing."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest


class ReadOnlyAdmin(admin.ModelAdmin[models.Model]):
    """Money rows have no add, change or delete, for anyone; a correction is a new entry."""

    show_full_result_count = False
    list_per_page = 50
    # Nothing is ever filled in; without it Django warns of its next default at every page.
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        """Nobody adds rows here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        """Nobody changes rows here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        """Nobody deletes rows here."""
        return False
