"""The request as an authenticated endpoint sees it."""

from django.contrib.auth.models import User
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request


class ClientRequest(Request):
    """A request of an API client: its user is real and it carries an id."""

    user: User
    request_id: str


def get_client(request: Request) -> User:
    """Return the user of an authenticated request, where a generic view gives the request a wider type.

    :raises NotAuthenticated: if nobody is authenticated.
    """
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user
