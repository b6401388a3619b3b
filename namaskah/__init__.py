"""The project and its small kernel, which knows no app."""

from namaskah.celery import app as celery_app

__all__ = ["celery_app"]
