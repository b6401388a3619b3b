"""How a law is broken: by a hand in the database that no rule of it stops."""

import json
from itertools import pairwise

import pytest
from django.db import connection

from billing.models import Transaction, Wallet
from tests.unit.billing.models.raw_sql import execute

PLANTS = []


def breaks(law):
    """Say which law a plant breaks."""

    def register(plant):
        PLANTS.append(pytest.param(law, plant, id=plant.__name__.removeprefix("plant_")))
        return plant

    return register


def change(row, **columns):
    """Write columns of a row past its model and its rules; a value that is SQL comes in a tuple."""
    assignments = ", ".join(
        f"{name} = {value[0]}" if isinstance(value, tuple) else f"{name} = %s" for name, value in columns.items()
    )
    values = [value for value in columns.values() if not isinstance(value, tuple)]
    # Tables and columns come from model definitions and from the tests themselves, here and below.
    execute(f"UPDATE {row._meta.db_table} SET {assignments} WHERE id = %s", [*values, row.pk])  # noqa: S608 -- see above


def copy(row, **columns):
    """Insert another row like this one, but for its id and `columns`."""
    names = [field.column for field in row._meta.concrete_fields if field.column != "id"]
    marks = ", ".join("%s" if name in columns else name for name in names)
    values = [columns[name] for name in names if name in columns]
    table = row._meta.db_table
    selected = f"SELECT gen_random_uuid(), {marks} FROM {table} WHERE id = %s"  # noqa: S608 -- as in `change`
    execute(f"INSERT INTO {table} (id, {', '.join(names)}) {selected}", [*values, row.pk])


def remove(row):
    execute(f"DELETE FROM {row._meta.db_table} WHERE id = %s", [row.pk])  # noqa: S608 -- as in `change`


def credit_of(payment):
    return Transaction.objects.get(payment_log=payment, type="credit")


def wallet_of(user):
    return Wallet.objects.get(user=user)


def trail_of(row, *states):
    """Return the row's trail with further steps, from the state that it is in."""
    steps = [{"from": came_from, "to": to} for came_from, to in pairwise([row.state, *states])]
    return (literal([*row.state_transitions, *steps]),)


def literal(value):
    return connection.ops.compose_sql("%s::jsonb", [json.dumps(value)])
