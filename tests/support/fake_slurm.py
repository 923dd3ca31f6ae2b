"""SLURM's commands as small programs that answer what a test wants, and count their calls."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest


class FakeSlurm:
    """Programs in a folder at the head of PATH."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        patch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        for name in ("squeue", "sacct", "scancel", "scontrol", "sbatch", "srun"):
            self.says(name, "")

    def says(self, name: str, output: str, status: int = 0, complaint: str = "") -> None:
        """Let a command print ``output`` and ``complaint`` and end with ``status``."""
        (self.folder / f"{name}.out").write_text(output)
        (self.folder / f"{name}.err").write_text(complaint)
        program = self.folder / name
        program.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$*" >> {self.folder}/{name}.calls\n'
            f"cat {self.folder}/{name}.out\ncat {self.folder}/{name}.err >&2\nexit {status}\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def calls(self, name: str) -> list[str]:
        """Return the arguments of each call of a command."""
        path = self.folder / f"{name}.calls"
        return path.read_text().splitlines() if path.exists() else []
