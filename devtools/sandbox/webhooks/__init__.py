"""Events, signed and sent (https://paystack.com/docs/payments/webhooks)."""
