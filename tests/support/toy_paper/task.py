"""A toy task for tests of the harness: seconds long, no torch, every kind of ending."""

from __future__ import annotations

import contextlib
import random
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from repro.context import RunContext
from repro.data import DataFile
from repro.trials.artifact import Builder


class Guess(Protocol):
    """What a method must offer: its error for a seed."""

    def error(self, seed: int) -> float: ...


def slow_square(directory: Path, *, value: int, seconds: float = 0.1) -> None:
    """An artefact: the square of a number."""
    time.sleep(seconds)
    (directory / "square.txt").write_text(str(value**2), encoding="utf-8")


def meet_trouble(order: Path) -> None:
    """Do once what a test's file in the trial's folder orders: outgrow the memory or the disk."""
    with contextlib.suppress(FileNotFoundError):
        kind = order.read_text()
        order.unlink()
        if kind == "memory":
            hog = b"x" * (700 * 2**20)
            time.sleep(20.0)
            del hog
        if kind == "disk":
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


@dataclass(frozen=True)
class Toy:
    """Measures a guess's error in steps, with a checkpoint at each."""

    steps: int = 2
    step_seconds: float = 0.0
    with_artifact: bool = False
    checkpoint_bytes: int = 0
    walk: bool = False
    artifact_seconds: float = 0.0

    @staticmethod
    def data_files(dataset: str) -> tuple[DataFile, ...]:
        """The set ``filed`` needs a file that its publisher has withdrawn."""
        if dataset != "filed":
            return ()
        return (DataFile("toy.csv", ("http://127.0.0.1:9/toy.csv",), "0" * 64, "CC0"),)

    def artifacts(self, dataset: str) -> list[tuple[Builder, dict[str, Any]]]:
        """What a run will ask for."""
        return [(slow_square, self._square())] if self.with_artifact else []

    def run(self, method: Guess, context: RunContext) -> dict[str, float]:
        """Return the method's error for this trial's seed."""
        state: dict[str, Any] = context.restore() or {"step": 0}
        noise = random.Random(context.seed("walk"))
        if "noise" in state:
            noise.setstate(state["noise"])
        walked = float(state.get("walked", 0.0))
        for step in range(state["step"], self.steps):
            meet_trouble(context.directory / "trouble")
            time.sleep(self.step_seconds)
            context.log(step, loss=1.0 / (step + 1))
            context.progress(step + 1, self.steps)
            walked += noise.gauss(0.0, 0.001) if self.walk else 0.0
            kept = {"step": step + 1, "noise": noise.getstate(), "walked": walked}
            context.checkpoint(kept | {"padding": bytes(self.checkpoint_bytes)}, step + 1)
        context.record(parameters=1, samples_seen=self.steps)
        print("guessing")
        offset = 0.0
        if self.with_artifact:
            square = context.artifact(slow_square, **self._square())
            offset = float((square / "square.txt").read_text())
        error = method.error(context.seed("noise")) + walked
        metrics = {"error": error + offset, "validation_error": error}
        return {**metrics, "effort": float(self.steps)}

    def _square(self) -> dict[str, Any]:
        slow = {"seconds": self.artifact_seconds} if self.artifact_seconds else {}
        return {"value": 3, **slow}


@dataclass(frozen=True)
class ToyTogether(Toy):
    """The same, with all seeds of a setting at once."""

    def run_batch(self, method: Guess, contexts: Sequence[RunContext]) -> list[dict[str, float]]:
        """Return what ``run`` returns for each; say how many there were."""
        print(f"a batch of {len(contexts)}")
        return [self.run(method, context) for context in contexts]
