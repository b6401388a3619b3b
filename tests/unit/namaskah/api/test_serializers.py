import pytest
from rest_framework import serializers

from namaskah.api.serializers import StrictSerializer


class _Letter(StrictSerializer):
    subject = serializers.CharField()
    copies = serializers.IntegerField(required=False)


def test_is_valid_takes_the_fields_that_are_known():
    body = _Letter(data={"subject": "Hello"})

    assert body.is_valid()
    assert body.validated_data == {"subject": "Hello"}


def test_is_valid_names_every_unknown_field():
    body = _Letter(data={"subject": "Hello", "copys": 2, "": 1})

    assert not body.is_valid()
    assert {name: [error.code for error in errors] for name, errors in body.errors.items()} == {
        "copys": ["unknown_field"],
        "": ["unknown_field"],
    }
    assert str(body.errors["copys"][0]) == "There is no such field; known are subject, copies."


@pytest.mark.parametrize("body", [[], "text", 25, None, True])
def test_is_valid_refuses_what_is_no_object(body):
    letter = _Letter(data=body)

    assert not letter.is_valid()
