"""Violations of the laws, planted past every rule of the database."""
