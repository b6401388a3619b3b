"""Every address of the product but /health, which a middleware answers; only the back office's end with a slash."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from namaskah import problem_pages
from namaskah.api.limits import LimitList
from namaskah.openapi.views import show_docs, show_schema
from namaskah.problem_views import list_problems, show_problem

urlpatterns = [
    path("api/v1/payments/paystack/webhook", include("payments.webhooks.urls")),
    path("api/v1/payments", include("payments.api.urls")),
    path("api/v1/billing", include("billing.api.urls")),
    path("api/v1/idempotency", include("namaskah.idempotency.urls")),
    path("api/v1/limits", LimitList.as_view(), name="limits"),
    path("api/schema", show_schema, name="api-schema"),
    path("api/docs", show_docs, name="api-docs"),
    path("api/problems", list_problems, name="problem-list"),
    path("api/problems/<str:code>", show_problem, name="problem"),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    # Last: Django's own page for an unknown address is one for people while DEBUG is on.
    re_path(r"^api(?:/|$)", problem_pages.no_such_address),
]

handler400 = "namaskah.problem_pages.bad_request"
handler403 = "namaskah.problem_pages.permission_denied"
handler404 = "namaskah.problem_pages.not_found"
handler500 = "namaskah.problem_pages.server_error"
