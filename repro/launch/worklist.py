"""What a worker is to do, as a file: its launcher writes it, the worker reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from repro.files import read_json, write_json
from repro.trials.store import TrialFolder

#: How trials are kept apart: not at all, by a fork each, or by a fresh process each (CUDA does not
#: survive a fork).
Isolation = Literal["none", "fork", "process"]


@dataclass(frozen=True)
class WorkList:
    """Trials' folders in order, and how each is run.

    ``environment``  variables that are set for the trials
    ``replaced``     by name of a folder, when the result was finished that a run is to replace
    ``in_job``       the worker runs in a job of a cluster, with a time limit
    ``artifacts``    what to build first below ``artifact_root``: builders' names and settings
    ``memory_gb``    what that job asked for
    """

    folders: tuple[Path, ...]
    isolation: Isolation
    environment: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    in_job: bool = False
    artifacts: tuple[tuple[str, dict[str, Any]], ...] = ()
    artifact_root: str = ""
    memory_gb: float | None = None

    def write(self, path: Path) -> None:
        """Store the list as JSON: results and orders never travel through pickles."""
        content = vars(self) | {"folders": [str(folder) for folder in self.folders]}
        write_json(path, content)

    @classmethod
    def read(cls, path: Path) -> WorkList:
        """Return the list in ``path``. Raises ``FileNotFoundError`` where there is none."""
        content = read_json(path)
        if content is None:
            raise FileNotFoundError(path)
        artifacts = tuple((builder, settings) for builder, settings in content["artifacts"])
        folders = tuple(map(Path, content["folders"]))
        return cls(**content | {"folders": folders, "artifacts": artifacts})


def results_to_replace(folders: Sequence[TrialFolder]) -> dict[str, str]:
    """Return when the present result of each folder was finished, for those that have one."""
    found = {}
    for folder in folders:
        result = read_json(folder.result)
        if result is not None:
            found[folder.path.name] = str(result.get("finished", ""))
    return found
