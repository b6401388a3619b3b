from decimal import Decimal

import environ
import pytest

from namaskah.environment import Environment

env = Environment()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", True),
        ("TRUE", True),
        ("yes", True),
        ("1", True),
        ("off", False),
        ("No", False),
        ("0", False),
        ("", False),
    ],
)
def test_bool_reads_a_plain_yes_or_no(monkeypatch, text, value):
    monkeypatch.setenv("A_SWITCH", text)

    assert env.bool("A_SWITCH", default=not value) is value


@pytest.mark.parametrize("text", ["maybe", "offf", "2", "-"])
def test_bool_refuses_anything_else_rather_than_taking_it_for_off(monkeypatch, text):
    monkeypatch.setenv("A_SWITCH", text)

    with pytest.raises(environ.ImproperlyConfigured, match=r"^A_SWITCH must be on or off\.$"):
        env.bool("A_SWITCH", default=False)


def test_bool_without_a_value_is_its_default():
    assert env.bool("A_SWITCH_THAT_IS_NOT_SET", default=True) is True


@pytest.mark.parametrize("read", [env.int, env.float])
def test_a_wrong_number_is_refused_by_the_name_of_its_setting(monkeypatch, read):
    monkeypatch.setenv("A_NUMBER", "soon")

    with pytest.raises(environ.ImproperlyConfigured, match=r"^A_NUMBER: "):
        read("A_NUMBER", default=1)


def test_a_wrong_number_in_a_list_is_refused_by_the_name_of_its_setting(monkeypatch):
    monkeypatch.setenv("SOME_NUMBERS", "1,soon")

    with pytest.raises(environ.ImproperlyConfigured, match=r"^SOME_NUMBERS: "):
        env.list("SOME_NUMBERS", cast=float, default=[])


@pytest.mark.parametrize("text", ["fifty", "", "1,5", "50 USD"])
def test_a_wrong_amount_is_refused_by_the_name_of_its_setting(monkeypatch, text):
    monkeypatch.setenv("AN_AMOUNT", text)

    with pytest.raises(environ.ImproperlyConfigured, match=r"^AN_AMOUNT must be a number\.$"):
        env("AN_AMOUNT", cast=Decimal, default=Decimal(1))


def test_an_amount_is_read_exactly(monkeypatch):
    monkeypatch.setenv("AN_AMOUNT", "0.10")

    assert env("AN_AMOUNT", cast=Decimal, default=Decimal(1)) == Decimal("0.10")
