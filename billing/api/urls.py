"""Addresses under /api/v1/billing."""

from django.urls import path

from billing.api import views

urlpatterns = [
    path("/balance", views.Balance.as_view(), name="balance"),
    path("/transactions", views.TransactionList.as_view(), name="transaction-list"),
    path("/summary", views.Summary.as_view(), name="summary"),
    path("/debits", views.DebitCreate.as_view(), name="debit-create"),
    path("/debits/<str:reference>/reverse", views.DebitReverse.as_view(), name="debit-reverse"),
]
