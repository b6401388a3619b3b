"""Copies of the wheels' binaries for an account that may not enter the virtual environment."""

import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from devtools.embedded import locks

_LIBRARIES_SUFFIX = ".libs"
_NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "doc", "man")


def copy_of_postgres(directory: Path, copies: Path) -> Path:
    """Return a copy of the installation around `directory` (…/<package>/<installation>/bin).

    The copy keeps the layout below site-packages, because the binaries find their libraries relative
    to themselves, in `<package>.libs` beside the package.
    """
    installation = directory.parent
    package = installation.parent
    libraries = package.parent / f"{package.name}{_LIBRARIES_SUFFIX}"

    def fill(target: Path) -> None:
        shutil.copytree(installation, target / package.name / installation.name, symlinks=True, ignore=_NOT_NEEDED)
        if libraries.is_dir():
            shutil.copytree(libraries, target / libraries.name, symlinks=True)

    return _copy_once(directory / "postgres", copies, fill) / package.name / installation.name / directory.name


def copy_of_valkey(server: Path, copies: Path) -> Path:
    """Return a copy of the one file that Valkey is."""
    return _copy_once(server, copies, lambda target: shutil.copy2(server, target / server.name)) / server.name


def _copy_once(program: Path, copies: Path, fill: Callable[[Path], object]) -> Path:
    """Fill a directory named after the program's file; it appears complete or not at all."""
    found = program.stat()
    identity = hashlib.sha256(f"{program}:{found.st_size}:{found.st_mtime_ns}".encode()).hexdigest()[:12]
    target = copies / f"{program.name}-{identity}"
    copies.mkdir(parents=True, exist_ok=True)
    with locks.holding(copies / "copying.lock"):
        if not target.exists():
            unfinished = copies / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            fill(unfinished)
            _open_to_everyone(unfinished)
            unfinished.rename(target)
    copies.chmod(0o711)
    return target


def _open_to_everyone(directory: Path) -> None:
    for parent, _, names in os.walk(directory):
        Path(parent).chmod(0o755)
        for path in (Path(parent, name) for name in names):
            if not path.is_symlink():
                executable = path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if executable else 0o644)
