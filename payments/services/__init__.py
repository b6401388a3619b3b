"""What can be done with payments and webhook events."""
