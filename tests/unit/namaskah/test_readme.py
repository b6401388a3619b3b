"""What the README says of commands and permissions is all that there is of them."""

import re
from pathlib import Path

from django.apps import apps
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[3]
OURS = {"billing", "payments", "namaskah"}
README = (ROOT / "README.md").read_text()


def is_ours(module):
    return module.partition(".")[0] in OURS


def test_readme_names_every_command():
    names = {name for name, application in get_commands().items() if is_ours(str(application))}

    assert set(re.findall(r"^\| `(\w+)[^|]*` +\|", README, re.MULTILINE)) & names == names


def test_readme_says_what_every_permission_of_ours_is_for():
    granted = {
        f"{model._meta.app_label}.{codename}"
        for model in apps.get_models()
        if is_ours(model.__module__)
        for codename, _ in model._meta.permissions
    }

    assert set(re.findall(r"^\| `(\w+\.\w+)` \|", README, re.MULTILINE)) == granted
