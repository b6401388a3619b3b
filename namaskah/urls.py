"""Every address of the product; none ends with a slash but the back office's."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from namaskah.observability import health

urlpatterns = [
    path("api/v1/payments/paystack/webhook", include("payments.webhooks.urls")),
    path("api/v1/payments", include("payments.api.urls")),
    path("api/v1/billing", include("billing.api.urls")),
    path("health", health.is_alive, name="health"),
    path("health/live", health.is_alive, name="health-live"),
    path("health/ready", health.is_ready, name="health-ready"),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
]

handler400 = "namaskah.problem_pages.bad_request"
handler403 = "namaskah.problem_pages.permission_denied"
handler404 = "namaskah.problem_pages.not_found"
handler500 = "namaskah.problem_pages.server_error"
