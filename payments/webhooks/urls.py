"""The webhook's address, exactly as it is registered with Paystack."""

from django.urls import path

from payments.webhooks.views import receive_webhook

urlpatterns = [path("", receive_webhook, name="paystack-webhook")]
