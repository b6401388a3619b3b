import environ
import pytest

from devtools.workflow import dotenv

SAMPLE = """
# a comment
PLAIN=one
 export EXPORTED = two
SINGLE='three # no comment'
DOUBLE="four"
TRAILING=five   # why
URL=postgresql://u:p%40@host/db?a=b#c
EMPTY=
TWICE=first
TWICE=second
not a setting
"""


def test_parse_reads_every_form():
    assert dotenv.parse(SAMPLE) == {
        "PLAIN": "one",
        "EXPORTED": "two",
        "SINGLE": "three # no comment",
        "DOUBLE": "four",
        "TRAILING": "five",
        "URL": "postgresql://u:p%40@host/db?a=b#c",
        "EMPTY": "",
        "TWICE": "second",
    }


@pytest.mark.parametrize("name", ["PLAIN", "SINGLE", "DOUBLE", "URL", "EMPTY", "TWICE"])
def test_parse_agrees_with_the_settings(tmp_path, monkeypatch, name):
    monkeypatch.delenv(name, raising=False)
    file = tmp_path / ".env"
    file.write_text("\n".join(line for line in SAMPLE.splitlines() if line.startswith(name)))

    environ.Env.read_env(file)

    assert environ.Env.ENVIRON.pop(name) == dotenv.parse(file.read_text())[name]


def test_configured_prefers_the_environment_and_leaves_out_what_is_empty(tmp_path):
    (tmp_path / ".env").write_text("DATABASE_URL=of-the-file\nREDIS_URL=of-the-file\nLOG_LEVEL=\n")

    found = dotenv.configured(tmp_path, {"DATABASE_URL": "of-the-environment", "REDIS_URL": ""})

    assert found == {"DATABASE_URL": "of-the-environment"}


def test_configured_without_a_file_is_the_environment(tmp_path):
    assert dotenv.configured(tmp_path, {"A": "b"}) == {"A": "b"}
