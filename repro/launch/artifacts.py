"""Artefacts that trials will ask for, built in a job of their own before them.

Without this, the first trial that asks builds, while the jobs of the others hold nodes and wait.
A task that asks for artefacts may say which: ``artifacts(self, dataset)`` returns the builder and
the settings of each, as :meth:`repro.context.RunContext.artifact` takes them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from repro.artifact import Artifact, build, is_built
from repro.spec.signatures import import_name
from repro.trial import Trial


def missing_artifacts(trials: Iterable[Trial], root: Path) -> list[Artifact]:
    """Return what ``trials`` need of artefacts and what is not built below ``root``, each once."""
    found: dict[str, Artifact] = {}
    seen: set[str] = set()
    for trial in trials:
        setting = trial.setting
        place = json.dumps([setting.task, setting.task_settings, setting.dataset], sort_keys=True)
        if place not in seen:
            seen.add(place)
            for artifact in _needed(trial):
                found[artifact.key] = artifact
    return [artifact for artifact in found.values() if not is_built(artifact, root)]


def start_building(builder: str, settings: dict[str, Any], root: Path) -> int:
    """Build one artefact in a fresh process; return its number."""
    words = [builder, json.dumps(settings), str(root)]
    command = [sys.executable, "-m", "repro.launch.artifacts", *words]
    return os.posix_spawn(sys.executable, command, os.environ)


def _needed(trial: Trial) -> Iterable[Artifact]:
    task = import_name(trial.setting.task, "task")
    if not hasattr(task, "artifacts"):
        return ()
    wanted = task(**trial.setting.task_settings).artifacts(trial.setting.dataset)
    return [Artifact(builder, dict(settings)) for builder, settings in wanted]


if __name__ == "__main__":
    build(Artifact(import_name(sys.argv[1], "builder"), json.loads(sys.argv[2])), Path(sys.argv[3]))
