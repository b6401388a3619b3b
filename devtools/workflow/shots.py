"""`dev.py shots`: screenshots of every page of the back office, made of a product that runs for nothing else."""

import json
import shutil
from pathlib import Path

from devtools.workflow import data_servers, foreground, ports, progress
from devtools.workflow.checkout import Checkout
from devtools.workflow.children import Children
from devtools.workflow.errors import WorkflowError
from devtools.workflow.stage import Stage
from devtools.workflow.up import make_stage, run_directory

DEFAULT_FOLDER = "shots"
_BROWSERS = ("chromium", "chromium-browser")


def run(checkout: Checkout, folder: Path) -> int:
    """Start everything with a demonstration, take the pictures, and return 1 if a page had a fault."""
    if not any(map(shutil.which, _BROWSERS)):
        raise WorkflowError("Chromium is missing: on Debian, as root, `apt-get install -y chromium`")
    data_servers.install(checkout, "test")
    with (
        data_servers.own(checkout, "shots") as (servers, place),
        run_directory(checkout, place.state.name, reset=True) as directory,
    ):
        stage = make_stage(checkout, servers, directory, ports.free_port(), check=True)
        demonstration, _ = stage.prepare()
        with Children(stage.environment, checkout.root, stage.logs) as children:
            stage.start(children)
            production_url = stage.start_as_in_production(children)
            progress.report("Taking screenshots")
            return foreground.run(
                _command(stage, demonstration["staff"], production_url, folder),
                dict(stage.environment),
                checkout.root,
            )


def _command(stage: Stage, staff: object, production_url: str, folder: Path) -> list[str | Path]:
    return [
        stage.checkout.python,
        "-m",
        "devtools.shots",
        f"--url={stage.web_url}",
        f"--production-url={production_url}",
        f"--staff={json.dumps(staff)}",
        folder,
    ]
