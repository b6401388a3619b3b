import re

import pytest
from django.http import HttpResponse

from namaskah.api import rate_limit_fields
from namaskah.api.rate_limits import Usage

# Strings, integers and lists as RFC 9651 writes them, with the parameters of the draft.
POLICY = re.compile(r'"[a-z]+";q=[1-9][0-9]*;w=60')
LEFT = re.compile(r'"[a-z]+";r=(?:0|[1-9][0-9]*);t=(?:[1-9]|[1-5][0-9]|60)')


def written(usage):
    response = HttpResponse()
    rate_limit_fields.write(response, usage)
    return {name: value for name, value in response.headers.items() if name.startswith("RateLimit")}


def usage_of(*, name="initialize", limit=5, used=1, seconds_left=60):
    return Usage(name=name, limit=limit, used=used, seconds_left=seconds_left)


@pytest.mark.parametrize(
    ("usage", "policy", "left"),
    [
        (usage_of(), b'"initialize";q=5;w=60', b'"initialize";r=4;t=60'),
        (usage_of(used=0), b'"initialize";q=5;w=60', b'"initialize";r=5;t=60'),
        (usage_of(used=5, seconds_left=1), b'"initialize";q=5;w=60', b'"initialize";r=0;t=1'),
        (usage_of(used=6), b'"initialize";q=5;w=60', b'"initialize";r=0;t=60'),
        (usage_of(used=1_000_000), b'"initialize";q=5;w=60', b'"initialize";r=0;t=60'),
        (usage_of(limit=1, used=1), b'"initialize";q=1;w=60', b'"initialize";r=0;t=60'),
        (usage_of(name="verify", limit=10), b'"verify";q=10;w=60', b'"verify";r=9;t=60'),
        (usage_of(name="reads", limit=120, seconds_left=59), b'"reads";q=120;w=60', b'"reads";r=119;t=59'),
        (usage_of(name="writes", limit=60, used=59), b'"writes";q=60;w=60', b'"writes";r=1;t=60'),
        (usage_of(name="authentication", limit=30), b'"authentication";q=30;w=60', b'"authentication";r=29;t=60'),
        (usage_of(name="signatures", limit=60), b'"signatures";q=60;w=60', b'"signatures";r=59;t=60'),
        (usage_of(limit=1_000_000, used=0), b'"initialize";q=1000000;w=60', b'"initialize";r=1000000;t=60'),
    ],
)
def test_write_golden_bytes(usage, policy, left):
    response = HttpResponse()

    rate_limit_fields.write(response, usage)

    fields = dict(line.split(b": ", 1) for line in response.serialize_headers().split(b"\r\n"))
    assert (fields[b"RateLimit-Policy"], fields[b"RateLimit"]) == (policy, left)


def test_write_sets_these_two_fields_and_no_other():
    assert sorted(written(usage_of())) == ["RateLimit", "RateLimit-Policy"]


def test_write_again_replaces_what_was_there():
    response = HttpResponse()

    rate_limit_fields.write(response, usage_of(name="reads", limit=120))
    rate_limit_fields.write(response, usage_of())

    assert response["RateLimit"] == '"initialize";r=4;t=60'
    assert response["RateLimit-Policy"] == '"initialize";q=5;w=60'


@pytest.mark.parametrize("used", [0, 1, 4, 5, 6, 10_000])
@pytest.mark.parametrize("seconds_left", [1, 2, 59, 60])
def test_write_is_well_formed_at_every_bound(used, seconds_left):
    fields = written(usage_of(used=used, seconds_left=seconds_left))

    assert POLICY.fullmatch(fields["RateLimit-Policy"])
    assert LEFT.fullmatch(fields["RateLimit"])
