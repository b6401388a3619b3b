"""The request as an authenticated endpoint sees it."""

from django.contrib.auth.models import User
from rest_framework.request import Request


class ClientRequest(Request):
    """A request of an API client: its user is real and it carries an id."""

    user: User
    request_id: str
