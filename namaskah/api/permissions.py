"""What only some accounts may do."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class HasPermission(BasePermission):
    """Lets through whoever has the permission that the view names as its `required_permission`."""

    message = "Your account may not do this."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Say whether the caller has it."""
        return bool(request.user.is_authenticated and request.user.has_perm(view.required_permission))
