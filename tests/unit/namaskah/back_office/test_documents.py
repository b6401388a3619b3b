"""What the document says of roles is what they may."""

import re
from pathlib import Path

from tests.integration.back_office.role_table import PERMISSIONS, ROLES

DOCUMENT = (Path(__file__).resolve().parents[4] / "docs" / "BACK_OFFICE.md").read_text()
ANSWERS = {"yes": True, "no": False}


def read_table():
    rows = re.findall(r"^\| [^|]+ \| (`[^|]+`) \|((?: (?:yes|no) \|){4})$", DOCUMENT, re.MULTILINE)
    return [(re.findall(r"`([\w.]+)`", permissions), re.findall(r"yes|no", answers)) for permissions, answers in rows]


def test_document_says_of_each_permission_which_roles_have_it():
    said = {
        permission: "".join(letter for letter, answer in zip(ROLES, answers, strict=True) if ANSWERS[answer])
        for permissions, answers in read_table()
        for permission in permissions
    }

    assert said == PERMISSIONS
    assert sum(len(permissions) for permissions, _ in read_table()) == len(said)


def test_document_has_the_roles_in_the_order_of_its_columns():
    heading = re.search(r"^\| may \| permissions \| (.+) \|$", DOCUMENT, re.MULTILINE)

    assert heading
    assert heading[1].split(" | ") == list(ROLES.values())
