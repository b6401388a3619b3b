"""Addresses whose views fail in ways that nobody foresaw."""

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.urls import path
from rest_framework.views import APIView

from namaskah.errors import GatewayUnavailableError

ERRORS = {
    "unforeseen": ZeroDivisionError("a secret detail"),
    "database": OperationalError("a secret detail"),
    "refused": GatewayUnavailableError("Away.", retry_after_seconds=3),
    "denied": PermissionDenied("a secret detail"),
}


class BrokenView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, _request, name):
        raise ERRORS[name]


def plain(_request, name):
    raise ERRORS[name]


urlpatterns = [
    path("api/framework/<str:name>", BrokenView.as_view()),
    path("api/plain/<str:name>", plain),
    path("page/<str:name>", plain),
]

handler400 = "namaskah.problem_pages.bad_request"
handler403 = "namaskah.problem_pages.permission_denied"
handler404 = "namaskah.problem_pages.not_found"
handler500 = "namaskah.problem_pages.server_error"
