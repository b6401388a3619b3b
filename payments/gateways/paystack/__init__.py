"""Paystack's HTTP API (https://paystack.com/docs/api), as much of it as is needed."""
