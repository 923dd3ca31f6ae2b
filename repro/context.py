"""What a running trial gets from the harness: seeds, device, logs, checkpoints, data, artefacts.

Tasks, methods and baselines may import this module; it imports nothing heavy.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.data import DataFile, hash_of_data, locate
from repro.errors import Interrupted
from repro.files import make_directory, read_json_lines, write_bytes
from repro.trials.artifact import RESUME_FILE, Artifact, Builder, build
from repro.trials.heartbeat import Heartbeat

__all__ = ["RESUME_FILE", "RunContext"]


@dataclass
class RunContext:
    """One trial's view of the harness.

    ``task``              dotted name of the task's class
    ``dataset``           the data set as the user named it: a key, or ``file:<path>``
    ``dataset_identity``  the key, or ``file:<sha256>``: what seeds and trial ids are made from
    ``trial_seed``        the seed's number, 0 … n-1
    ``directory``         the trial's folder; tests may pass any writable folder
    ``should_stop``       asked at each checkpoint, where a trial ends without losing anything
    """

    task: str
    dataset: str
    trial_seed: int
    directory: Path
    dataset_identity: str = ""
    artifact_root: Path | None = None
    heartbeat: Heartbeat | None = None
    should_stop: Callable[[], bool] = lambda: False
    counts: dict[str, float] = field(default_factory=dict)
    data_hashes: dict[str, str] = field(default_factory=dict)
    artifacts_used: dict[str, str] = field(default_factory=dict)
    unverified_data: dict[str, str] = field(default_factory=dict)
    resumed_from: int | None = None
    _started: float = field(default_factory=time.monotonic)
    _elapsed_before: float = 0.0

    def seed(self, axis: str) -> int:
        """Return the seed of one source of randomness, such as ``"split"`` or ``"init"``.

        The first 8 bytes of SHA-256 of ``task/dataset/seed/axis``, an unsigned 64-bit integer. The
        method is left out, so that method and baselines share splits and initial weights and every
        comparison is paired.
        """
        identity = self.dataset_identity or self.dataset
        text = f"{self.task}/{identity}/{self.trial_seed}/{axis}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

    @property
    def device(self) -> str:
        """``"cuda"`` where the harness gave this trial a GPU, otherwise ``"cpu"``."""
        if os.environ.get("CUDA_VISIBLE_DEVICES") == "" or not Path("/dev/nvidiactl").exists():
            return "cpu"
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    @property
    def artifact_dir(self) -> Path:
        """A folder for files that belong to this trial, such as predictions or images."""
        return make_directory(self.directory / "artifacts")

    def log(self, step: int, **metrics: float) -> None:
        """Append one point of each metric's curve to ``metrics.jsonl``, at once."""
        line = json.dumps({"step": step, **{name: float(v) for name, v in metrics.items()}})
        with (self.directory / "metrics.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    def progress(self, done: float, total: float) -> None:
        """Say how far the trial is; shown live."""
        if self.heartbeat is not None:
            self.heartbeat.progress(done, total)

    def record(self, **counts: float) -> None:
        """Note counts that only the task knows: ``parameters``, ``samples_seen``."""
        self.counts.update(counts)

    def checkpoint(self, state: dict[str, Any], step: int) -> None:
        """Keep ``state``, generators' states included: a killed trial goes on from ``step``.

        A trial that was told to stop, because its job's time is nearly over, ends here.
        """
        curve = len(read_json_lines(self.directory / "metrics.jsonl"))
        elapsed = self.elapsed_seconds()
        saved = {"step": step, "curve": curve, "elapsed": elapsed, "state": state}
        write_bytes(self.directory / "checkpoint.pickle", pickle.dumps(saved, protocol=5))
        if self.should_stop():
            raise Interrupted(f"stopped after step {step}, which is kept")

    def restore(self) -> dict[str, Any] | None:
        """Return the state of the last checkpoint, or ``None`` for a fresh start.

        Points of curves that were logged after the checkpoint are removed: they come again.
        """
        try:
            saved = pickle.loads((self.directory / "checkpoint.pickle").read_bytes())
        except FileNotFoundError:
            saved = {"step": None, "curve": 0, "elapsed": 0.0, "state": None}
        self._keep_curve(saved["curve"])
        self.resumed_from = saved["step"]
        self._elapsed_before = saved["elapsed"]
        state: dict[str, Any] | None = saved["state"]
        return state

    def data(self, file: DataFile) -> Path:
        """Return the path of a data file, fetched and verified; its hash goes into the result."""
        path = locate(file)
        if file.sha256:
            self.data_hashes[file.name] = file.sha256
            return path
        return self.found_data(file.name, path)

    def found_data(self, name: str, path: Path) -> Path:
        """Note a file or folder that no published hash verifies; return its path.

        Its hash goes into the result, and the trial is stale once the data there are others. Of a
        folder, the hash is of the names and sizes below it.
        """
        self.data_hashes[name] = self.unverified_data[str(path)] = hash_of_data(path)
        return path

    def artifact(self, builder: Builder, **settings: Any) -> Path:
        """Return a shared artefact's folder, built or found: ``builder(folder, **settings)``."""
        wanted = Artifact(builder, settings)
        began = time.monotonic()
        path = build(wanted, self.artifact_root or self.directory / "shared")
        # Building, or waiting for whoever builds, is not this trial's cost.
        self._started += time.monotonic() - began
        self.artifacts_used[f"{wanted.name}/{wanted.key}"] = wanted.code
        return path

    def elapsed_seconds(self) -> float:
        """Return the wall time spent on the trial, over all its attempts that were kept."""
        return self._elapsed_before + time.monotonic() - self._started

    def _keep_curve(self, lines: int) -> None:
        path = self.directory / "metrics.jsonl"
        with contextlib.suppress(FileNotFoundError):
            kept = path.read_text(encoding="utf-8").splitlines(keepends=True)[:lines]
            write_bytes(path, "".join(kept).encode())
