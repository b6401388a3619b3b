import json

import pytest

from tests.guide.blocks import Block
from tests.guide.matching import list_differences


def shown(language, text, *varies):
    return Block(language, text, 1, "Start", frozenset(varies))


def json_differences(expected, actual, *varies):
    return list_differences(shown("json", json.dumps(expected), *varies), json.dumps(actual))


@pytest.mark.parametrize("value", ["text", 7, 1.5, True, None, [1, "two"], {"inner": {"deep": []}}])
def test_same_json_does_not_differ(value):
    assert json_differences({"value": value}, {"value": value}) == []


@pytest.mark.parametrize(
    ("expected", "actual", "difference"),
    [
        ({"a": 1}, {"a": 2}, "$.a: 2, not 1"),
        ({"a": 1}, {"a": "1"}, "$.a: '1', not 1"),
        ({"a": 1}, {"a": True}, "$.a: True, not 1"),
        ({"a": None}, {"a": "1"}, "$.a: '1', not None"),
        ({"a": 1}, {"a": 1, "b": 2}, "$: members ['a', 'b'], not ['a']"),
        ({"a": 1, "b": 2}, {"a": 1}, "$: members ['a'], not ['a', 'b']"),
        ({"a": [1]}, {"a": [1, 2]}, "$.a: 2 items, not 1"),
        ({"a": [{"b": "x"}]}, {"a": [{"b": "y"}]}, "$.a[0].b: 'y', not 'x'"),
        ({"a": "nmk-…"}, {"a": "sms-1"}, "$.a: 'sms-1', not 'nmk-…'"),
        ({"a": "…T…Z"}, {"a": "2026-11-21T10:00:00+00:00"}, "$.a: '2026-11-21T10:00:00+00:00', not '…T…Z'"),
    ],
)
def test_json_that_differs_is_told_with_its_place(expected, actual, difference):
    assert json_differences(expected, actual) == [difference]


def test_ellipsis_stands_for_any_text():
    assert json_differences({"a": "nmk-…", "b": "…T…Z"}, {"a": "nmk-01", "b": "2026-11-21T10:00:00Z"}) == []


def test_member_that_varies_is_compared_by_type():
    assert json_differences({"a": "1.00"}, {"a": "2.00"}, "a") == []
    assert json_differences({"a": "1.00"}, {"a": 2}, "a") == ["$.a: 2, not '1.00'"]


def test_what_is_no_json_is_told():
    assert list_differences(shown("json", "{}"), "<h1>502</h1>\n") == ["no JSON: <h1>502</h1>"]


@pytest.mark.parametrize("printed", ["one\ntwo\n", "one\r\ntwo\r\n", "one\ntwo"])
def test_same_lines_do_not_differ(printed):
    assert list_differences(shown("text", "one\ntwo\n"), printed) == []


@pytest.mark.parametrize(
    ("printed", "differences"),
    [
        ("one\nthree\n", ["'three', not 'tw…'"]),
        ("one\n", ["1 lines, not 2: ['one']"]),
        ("one\ntwo\nthree\n", ["3 lines, not 2: ['one', 'two', 'three']"]),
    ],
)
def test_lines_that_differ_are_told(printed, differences):
    assert list_differences(shown("text", "one\ntw…\n"), printed) == differences


def test_output_that_the_guide_does_not_show_is_told():
    assert list_differences(None, "Traceback\n") == ["printed: Traceback"]
    assert list_differences(None, "\n") == []


def test_progress_of_dev_py_is_passed_over():
    assert list_differences(shown("text", "one\n"), "[   1.2 s] Migrating … 1 s\none\n") == []
