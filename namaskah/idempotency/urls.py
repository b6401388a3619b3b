"""Addresses under /api/v1/idempotency."""

from django.urls import path

from namaskah.idempotency.lookups import KeyDetail

urlpatterns = [path("/<str:key>", KeyDetail.as_view(), name="idempotency-key")]
