"""Every constraint, unique index and trigger branch that the database has is named by a test beside this one.

What a test names is read from its source: the arguments of `refused_by` and the rule of each
`Violation`. Primary keys, foreign keys and NOT NULL are walked by `test_columns`.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import tests.unit.billing.models
import tests.unit.payments.models
from tests.unit.billing.models.raw_sql import execute
from tests.unit.payments.models.test_columns import TABLES

pytestmark = pytest.mark.django_db

OPERATIONS = {4: "INSERT", 8: "DELETE", 16: "UPDATE", 32: "TRUNCATE"}
RAISE = re.compile(r"RAISE EXCEPTION\s+'((?:[^']|'')*)'")
CALL = re.compile(r"PERFORM\s+(\w+)\(")


def test_every_constraint_is_named_by_a_test():
    constraints = execute(
        "SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u', 'x') AND conrelid = ANY(%s::regclass[])",
        [TABLES],
    )
    indexes = execute(
        "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
        "WHERE indisunique AND NOT indisprimary AND indrelid = ANY(%s::regclass[])",
        [TABLES],
    )

    assert {name for (name,) in constraints + indexes} == {rule for rule, message in named_rules() if not message}


def test_every_refusal_of_every_trigger_is_named_by_a_test():
    triggers = execute(
        "SELECT tgname, relname, tgtype, prosrc FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
        "JOIN pg_proc ON pg_proc.oid = tgfoid WHERE NOT tgisinternal AND tgrelid = ANY(%s::regclass[])",
        [TABLES],
    )

    refusals = {(trigger, message) for trigger, *rest in triggers for message in refusals_of(*rest)}

    assert refusals == {(rule, message) for rule, message in named_rules() if message}


def test_every_trigger_fires():
    disabled = execute(
        "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'O' AND tgrelid = ANY(%s::regclass[])", [TABLES]
    )

    assert disabled == []


def refusals_of(table: str, kind: int, source: str) -> Iterator[str]:
    """Return what a trigger, or a function that it leaves the check to, can say, its operations and table filled in."""
    for called in CALL.findall(source):
        for (body,) in execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [called]):
            yield from refusals_of(table, kind, body)
    for template in RAISE.findall(source):
        message = template.replace("''", "'")
        if message.startswith("% on %"):
            for bit, operation in OPERATIONS.items():
                if kind & bit:
                    yield message.replace("%", operation, 1).replace("%", table, 1)
        else:
            yield message


def named_rules() -> set[tuple[str, str]]:
    return {
        rule
        for package in (tests.unit.billing.models, tests.unit.payments.models)
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        if ".test_" in module.name
        for rule in _rules_in(importlib.import_module(module.name))
    }


def _rules_in(module: ModuleType) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id == "Violation":
            yield ast.literal_eval(node.args[0]), ""
        elif node.func.id == "refused_by":
            arguments = list(_arguments(node, module))
            if arguments:
                yield arguments[0], "".join(arguments[1:])


def _arguments(call: ast.Call, module: ModuleType) -> Iterator[str]:
    """Return the arguments that are written out, or spread from a constant of the module.

    A rule that a `Violation` carries is read from that.
    """
    for argument in call.args:
        if isinstance(argument, ast.Constant):
            yield argument.value
        elif isinstance(argument, ast.Starred) and isinstance(argument.value, ast.Name):
            yield from getattr(module, argument.value.id)
