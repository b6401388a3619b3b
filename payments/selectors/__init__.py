"""Reads of payments and events."""
