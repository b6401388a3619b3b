"""Schemathesis against the running product: what it is told, and what it may know of the data."""
