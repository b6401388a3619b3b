"""The places in and around one checkout."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Checkout:
    """A working tree and what `dev.py` makes in it."""

    root: Path

    @property
    def virtual_environment(self) -> Path:
        """Everything that is installed."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The interpreter that has the packages."""
        return self.virtual_environment / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """Where the packages lie."""
        found = sorted(self.virtual_environment.glob("lib/python3.*/site-packages"))
        return found[-1] if found else self.virtual_environment / "lib" / "site-packages"

    @property
    def local(self) -> Path:
        """State of this machine, made when first asked for."""
        directory = self.root / ".local"
        directory.mkdir(exist_ok=True)
        return directory

    @property
    def logs(self) -> Path:
        """One file per child process."""
        directory = self.local / "logs"
        directory.mkdir(exist_ok=True)
        return directory
