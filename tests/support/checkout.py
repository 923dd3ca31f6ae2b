"""A checkout of its own for tests that run the command line: the harness and a toy paper."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
TOY = Path(__file__).parent / "toy_paper"
PACKAGES = ("repro", "models", "tasks", "methods", "baselines", "losses")


@dataclass
class Checkout:
    """A copy of the packages with the toy paper, and a results folder, below a test's folder."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def spec(self) -> Path:
        return self.root / "tables" / "toy.yaml"

    def edit_spec(self, change: Callable[[dict[str, Any]], None]) -> None:
        content = yaml.safe_load(self.spec.read_text())
        change(content)
        self.spec.write_text(yaml.safe_dump(content, sort_keys=False))

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "repro", *arguments],
            cwd=self.root,
            env=self._environment(variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def repro(
        self, *arguments: str, limit: float = 120, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "repro", *arguments],
            cwd=self.root,
            env=self._environment(variables),
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )

    def trials(self, scale: str = "smoke") -> list[Path]:
        return sorted((self.results / "toy" / scale / "trials").glob("*"))

    def variables(self) -> dict[str, str]:
        """Return the environment in which its programs run."""
        return self._environment({})

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        own = {"PYTHONPATH": str(self.root), "KLAIM_CACHE": str(self.root / "cache")}
        return {**os.environ, **own, **self.environment, **variables}


def make_checkout(root: Path) -> Checkout:
    """Copy the packages and the toy paper below ``root``."""
    for package in PACKAGES:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, root / package, ignore=ignore)
    (root / "tables").mkdir()
    (root / "figures").mkdir()
    (root / "baselines" / "toy").mkdir()
    shutil.copy(TOY / "task.py", root / "tasks" / "toy.py")
    shutil.copy(TOY / "method.py", root / "methods" / "toy.py")
    shutil.copy(TOY / "rival.py", root / "baselines" / "toy" / "__init__.py")
    shutil.copy(TOY / "toy.yaml", root / "tables" / "toy.yaml")
    shutil.copy(TOY / "figures.yaml", root / "figures" / "toy.yaml")
    return Checkout(root)


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
