"""Addresses under /api/v1/billing."""

from django.urls import path

from billing.api import views

urlpatterns = [
    path("/balance", views.Balance.as_view(), name="balance"),
    path("/transactions", views.TransactionList.as_view(), name="transaction-list"),
]
