import psycopg2
import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection

from namaskah.outages import find_sqlstate, is_contended, is_database_away, is_read_only


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


def told_by_postgres(sqlstate):
    """Return an error as Django raises it for what Postgres answered with this state."""
    with pytest.raises(DatabaseError) as caught, connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'said' USING ERRCODE = '{sqlstate}'; END $$")
    return caught.value


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("sqlstate", "contended", "read_only"),
    [
        ("55P03", True, False),
        ("57014", True, False),
        ("40P01", True, False),
        ("40001", True, False),
        ("25006", False, True),
        ("23514", False, False),
        ("53300", False, False),
    ],
)
def test_what_postgres_refuses_for_now_is_told_from_what_it_refuses_for_good(sqlstate, contended, read_only):
    error = told_by_postgres(sqlstate)

    assert (is_contended(error), is_read_only(error), find_sqlstate(error)) == (contended, read_only, sqlstate)


def test_what_postgres_did_not_say_has_no_state():
    assert (find_sqlstate(OperationalError("connection refused")), is_contended(ZeroDivisionError())) == (None, False)
