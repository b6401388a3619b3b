import psycopg2
import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError

from namaskah.outages import is_database_away


def caused_by(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("connection refused"),
        InterfaceError("connection already closed"),
        caused_by(DatabaseError("server closed"), psycopg2.DatabaseError("server closed")),
    ],
)
def test_is_database_away_for_a_lost_connection(error):
    assert is_database_away(error) is True


@pytest.mark.parametrize(
    "error",
    [
        DatabaseError("Save with update_fields did not affect any rows."),
        caused_by(IntegrityError("no"), psycopg2.IntegrityError("no")),
        caused_by(KeyError("no"), ValueError("no")),
        ZeroDivisionError(),
    ],
)
def test_is_database_away_not_for_a_refusal(error):
    assert is_database_away(error) is False
