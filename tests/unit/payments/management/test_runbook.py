"""The commands of the payment runbook are ones that exist, with arguments that they take."""

import re
import shlex
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import get_commands, load_command_class

RUNBOOK = Path(__file__).resolve().parents[4] / "docs" / "PAYMENT_RUNBOOK.md"
PARTS = ["Notice", "Diagnose", "Decide", "Act", "Verify"]
TEXT = RUNBOOK.read_text()
SECTIONS = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", TEXT, re.MULTILINE))
LINES = sorted(set(re.findall(r"^manage\.py .+$", TEXT, re.MULTILINE)))


@pytest.mark.parametrize("line", LINES)
def test_command_of_the_runbook_takes_its_arguments(line):
    _, name, *arguments = shlex.split(line.replace("…", str(uuid4())))
    command = load_command_class(get_commands()[name], name)

    parsed = command.create_parser("manage.py", name).parse_args(arguments)

    assert parsed is not None


def test_every_line_of_a_shell_block_is_a_command_of_ours():
    blocks = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)

    assert {line for block in blocks for line in block.splitlines()} == set(LINES)


@pytest.mark.parametrize("heading", SECTIONS)
def test_section_of_the_runbook_has_its_parts_in_order(heading):
    assert re.findall(r"^\*\*(\w+)\.\*\*", SECTIONS[heading], re.MULTILINE) == PARTS


def test_links_within_the_runbook_lead_to_its_sections():
    anchors = {heading.lower().replace(" ", "-") for heading in SECTIONS}

    assert set(re.findall(r"\(#([\w-]+)\)", TEXT)) <= anchors
