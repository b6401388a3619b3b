import re

import pytest
import yaml
from django.contrib.staticfiles import finders

from namaskah.openapi import views


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/html"])
def test_show_schema_is_json(client, accept):
    answer = client.get("/api/schema", headers={"Accept": accept})

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json()["info"]["title"] == "Namaskah payments"
    assert answer["Vary"] == "Accept"


def test_show_schema_as_yaml_says_the_same(client, description):
    answer = client.get("/api/schema", headers={"Accept": "application/yaml"})

    assert answer["Content-Type"] == "application/yaml"
    assert yaml.safe_load(answer.content) == description


def test_show_schema_is_made_once():
    assert views._render("application/json") is views._render("application/json")


def test_show_docs_loads_its_own_files_alone(client):
    answer = client.get("/api/docs")

    page = answer.content.decode()
    loaded = re.findall(r'<(?:script src|link rel="(?:icon|stylesheet)" href)="([^"]+)"', page)
    assert [address.startswith("/static/") for address in loaded] == [True] * 5
    assert [address for address in loaded if finders.find(address.removeprefix("/static/")) is None] == []
    assert re.findall(r"<script(?! src=)|<style|\son\w+=|https?://", page) == []


def test_show_docs_lets_the_browser_load_nothing_else(client):
    policy = client.get("/api/docs")["Content-Security-Policy"]

    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert (directives["default-src"], directives["img-src"]) == ("'self'", "'self' data:")
    assert (directives["frame-ancestors"], directives["base-uri"]) == ("'none'", "'none'")
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/api/docs", "/api/schema", "/api/problems"])
def test_documentation_needs_no_key_and_counts_against_no_limit(client, path):
    answer = client.get(path)

    assert answer.status_code == 200
    assert "RateLimit" not in answer


@pytest.mark.django_db
def test_no_parameter_of_an_address_chooses_the_format(client):
    answer = client.get("/api/v1/limits?format=xml")

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
