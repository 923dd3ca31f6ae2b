"""Artefacts that trials will ask for, built in a job of their own before them.

Without this, the first trial that asks builds, while the jobs of the others hold nodes and wait.
A task that asks for artefacts may say which: ``artifacts(self, dataset)`` returns the builder and
the settings of each, as :meth:`repro.context.RunContext.artifact` takes them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from repro.errors import Interrupted
from repro.launch.stopping import SIGNALS
from repro.spec.signatures import import_name
from repro.trials.artifact import Artifact, build, is_built
from repro.trials.trial import Trial


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
    """Build one artefact in a fresh process; return its number. A signal to stop ends it."""
    words = [builder, json.dumps(settings), str(root)]
    command = [sys.executable, "-m", "repro.launch.artifacts", *words]
    # Its starter holds the signals to stop at this moment: a process that inherited that is deaf.
    return os.posix_spawn(sys.executable, command, os.environ, setsigmask=())


def _needed(trial: Trial) -> Iterable[Artifact]:
    task = import_name(trial.setting.task, "task")
    if not hasattr(task, "artifacts"):
        return ()
    wanted = task(**trial.setting.task_settings).artifacts(trial.setting.dataset)
    return [Artifact(builder, dict(settings)) for builder, settings in wanted]


def _stop(_number: int, _frame: object) -> NoReturn:
    for one in SIGNALS:  # the first is enough, and the builder has its end to write down
        signal.signal(one, signal.SIG_IGN)
    raise Interrupted("told to stop")


if __name__ == "__main__":
    for one in SIGNALS:  # SLURM sends its own to every process of a job
        signal.signal(one, _stop)
    build(Artifact(import_name(sys.argv[1], "builder"), json.loads(sys.argv[2])), Path(sys.argv[3]))
