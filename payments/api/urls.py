"""Addresses under /api/v1/payments."""

from django.urls import path

from payments.api import views

urlpatterns = [
    path("", views.PaymentList.as_view(), name="payment-list"),
    path("/initialize", views.PaymentInitialize.as_view(), name="payment-initialize"),
    path("/verify", views.PaymentVerify.as_view(), name="payment-verify"),
    path("/quote", views.PaymentQuote.as_view(), name="payment-quote"),
    path("/<str:reference>/refunds", views.RefundCreate.as_view(), name="refund-create"),
    path("/<str:reference>", views.PaymentDetail.as_view(), name="payment-detail"),
]
