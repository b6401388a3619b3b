"""Every answer of a test is compared with the API's description, whatever else the test is about."""

import json

import pytest
from django.test import Client

from namaskah.openapi import views
from tests.described import Description


@pytest.fixture(scope="session")
def description():
    return Description(json.loads(views._render("application/json")))


@pytest.fixture(autouse=True)
def every_answer_is_described(monkeypatch, description):
    send, faults = Client.generic, []

    def send_and_compare(client, method, path, *args, **kwargs):
        answer = send(client, method, path, *args, **kwargs)
        found = description.find_faults(
            method,
            answer.wsgi_request.path,
            status=answer.status_code,
            headers=answer.headers,
            body=answer.content,
        )
        faults.extend((method, path, answer.status_code, fault) for fault in found)
        return answer

    monkeypatch.setattr(Client, "generic", send_and_compare)
    yield
    assert faults == []
