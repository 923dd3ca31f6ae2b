"""Sending an array of bundles to the cluster, through submitit."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro.data import cache_directory
from repro.errors import UserError
from repro.files import explained
from repro.launch import queue
from repro.launch.bundles import Array, Bundle
from repro.launch.profile import ClusterProfile, job_memory, job_resources, profile_path
from repro.launch.submission import Submission, new_folder
from repro.launch.worker import work
from repro.launch.worklist import WorkList, results_to_replace
from repro.paths import ResultPaths
from repro.planning.plan import Plan
from repro.spec import Resources
from repro.trials.artifact import Artifact

#: What `sbatch` says where the same call may succeed later. A job may have been made even so.
_NOT_NOW = re.compile(
    r"timed out|unable to contact|connection|zero bytes|temporarily|try again|"
    r"MaxSubmit|submit limit|MaxJobCount",
    re.IGNORECASE,
)


class NotNowError(Exception):
    """The cluster takes no job at present."""


class Sender:
    """Turns arrays into calls of ``sbatch``, each with a folder of its own."""

    def __init__(
        self, paths: ResultPaths, plan: Plan, profile: ClusterProfile, cluster: str, code: Path
    ) -> None:
        self._paths = paths
        self._plan = plan
        self._profile = profile
        self._profile_name = cluster
        self._code = code

    def send(self, array: Array, resources: Resources, after: Sequence[str] = ()) -> str:
        """Submit ``array``, to start when the jobs ``after`` have ended; return its job's number.

        What the cluster refuses: ``UserError`` with its words. ``NotNowError``: it is busy. Neither
        leaves a job or a folder behind.
        """
        return self._send(array, resources, after, ())

    def send_artifacts(self, artifacts: Sequence[Artifact], resources: Resources) -> str:
        """Submit one job that builds ``artifacts``; return its number. Errors as above."""
        return self._send(Array(((),), throttle=1), resources, (), artifacts)

    def _send(
        self,
        array: Array,
        resources: Resources,
        after: Sequence[str],
        artifacts: Sequence[Artifact],
    ) -> str:
        folder = new_folder(self._paths)
        asked = job_resources(resources, self._profile)
        submission = Submission(
            folder=folder,
            name=f"klaim-{self._paths.paper}-{self._paths.scale}-{folder.name}",
            cluster=queue.configuration().get("ClusterName", ""),
            bundles=tuple(tuple(t.trial_id for t in bundle) for bundle in array.bundles),
            throttle=array.throttle,
            memory_gb=job_memory(resources, self._profile),
            profile=str(profile_path(self._profile_name)),
            code=self._code.name,
            client=dict(self._profile.client),
        )
        # Written before the call: whoever comes after a submitter that died knows what to look for.
        submission.write()
        lists = [
            self._write_list(folder / f"bundle-{place}.json", bundle, resources, artifacts)
            for place, bundle in enumerate(array.bundles)
        ]
        try:
            job = self._call(submission, lists, asked, after)
        except Exception as error:
            queue.cancel_named(submission.name)
            shutil.rmtree(folder, ignore_errors=True)
            raise self._translated(error) from error
        replace(submission, job=job).write()
        return job

    def _call(
        self,
        submission: Submission,
        lists: list[Path],
        asked: dict[str, Any],
        after: Sequence[str],
    ) -> str:
        from submitit import SlurmExecutor

        # submitit prints what sbatch says, and raises it as well.
        with explained(submission.folder), contextlib.redirect_stderr(io.StringIO()):
            executor = SlurmExecutor(submission.folder, python=self._profile.python or None)
            executor.update_parameters(**self._parameters(submission, asked, after))
            beats = [str(path.with_suffix(".beat")) for path in lists]
            with queue.without_defaults(*self._users_defaults()):
                jobs = executor.map_array(work, [str(path) for path in lists], beats)
        return str(jobs[0].job_id).partition("_")[0]

    def _parameters(
        self, submission: Submission, asked: dict[str, Any], after: Sequence[str]
    ) -> dict[str, Any]:
        profile = self._profile
        named = {key: getattr(profile, key) for key in ("partition", "account", "qos")}
        named |= {key: getattr(profile, key) for key in ("constraint", "exclude")}
        return {
            **{key: value for key, value in named.items() if value},
            **asked,
            "job_name": submission.name,
            "time": profile.time_minutes,
            "signal_delay_s": profile.signal_seconds,
            "array_parallelism": submission.throttle,
            "setup": self._setup(),
            # Some clusters do not let a job be requeued unless it says so.
            "additional_parameters": {"requeue": True, **profile.sbatch},
            **({"dependency": ":".join(["afterany", *after])} if after else {}),
        }

    def _users_defaults(self) -> list[str]:
        """Return the variables of ``sbatch`` that count: where the profile says nothing."""
        names = ("partition", "account", "qos", "constraint")
        unsaid = [name for name in names if not getattr(self._profile, name)]
        return [f"SBATCH_{name.upper()}" for name in (*unsaid, "clusters", "reservation", "wckey")]

    def _setup(self) -> list[str]:
        """Return the lines that run before Python: the user's, then what makes it run the copy."""
        places = {"KLAIM_CACHE": str(cache_directory().absolute())}
        folders = os.environ.get("REPRO_DATA", "")
        if folders:
            named = [str(Path(one).expanduser().absolute()) for one in folders.split(os.pathsep)]
            places["REPRO_DATA"] = os.pathsep.join(named)
        # What trials need was fetched before: two jobs never race for one download. A job starts in
        # the folder of its submitter, whose sources must not come before the copy's.
        fixed = {"OFFLINE": "1", "PYTHONSAFEPATH": "1"} | places
        variables = fixed | dict(self._profile.environment)
        exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        path = f"export PYTHONPATH={shlex.quote(str(self._code))}${{PYTHONPATH:+:$PYTHONPATH}}"
        return [*self._profile.setup, *exports, path]

    def _write_list(
        self, path: Path, bundle: Bundle, resources: Resources, artifacts: Sequence[Artifact]
    ) -> Path:
        folders = [self._plan.folder(trial) for trial in bundle]
        WorkList(
            folders=tuple(folder.path for folder in folders),
            isolation="process" if resources.gpus else "fork",
            environment={"OMP_NUM_THREADS": "1"},
            replaced=results_to_replace(folders),
            in_job=True,
            memory_gb=job_memory(resources, self._profile),
            artifacts=tuple((artifact.name, artifact.settings) for artifact in artifacts),
            artifact_root=str(self._paths.artifacts),
        ).write(path)
        return path

    def _translated(self, error: Exception) -> Exception:
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        if not isinstance(error, FailedJobError | FailedSubmissionError | RuntimeError):
            return error
        said = " ".join(str(error).split())[:300]
        # The words for a limit on submissions are those for a job that is too large, too.
        if _NOT_NOW.search(said) and not queue.IMPOSSIBLE.search(said):
            return NotNowError(said)
        return UserError(f"CLUSTER={self._profile_name}: the cluster refused a job: {said}")
