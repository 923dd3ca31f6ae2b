"""`status` over 10,000 trials, half of them in a cluster's queue: one `squeue`, under 2 s."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_slurm import FakeSlurm
from test_plan_benchmark import BOUND_SECONDS, make

from repro.files import write_json
from repro.launch.submission import Submission, new_folder
from repro.status import status_text
from repro.trials.fingerprint import environment
from repro.trials.store import create

#: Trials with a result; the others are in the queue, ten to a job, a hundred jobs to an array.
DONE = 5_000
BUNDLE, TASKS = 10, 100


@pytest.mark.benchmark
def test_status_of_ten_thousand_trials(
    benchmark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm = FakeSlurm(tmp_path / "bin", monkeypatch)
    plan = make(tmp_path / "results")
    for trial in plan.trials[:DONE]:
        found = plan.fingerprint(trial.setting)
        code = {"files": found.files, "environment": environment(found.packages)}
        result = {"metrics": {"error": 1.0}, "cost": {}, "fingerprint": code}
        write_json(create(trial, plan.paths.trials).result, result, durable=False)
    waiting = [trial.trial_id for trial in plan.trials[DONE:]]
    lines = []
    for number, start in enumerate(range(0, len(waiting), BUNDLE * TASKS)):
        part = waiting[start : start + BUNDLE * TASKS]
        bundles = tuple(tuple(part[i : i + BUNDLE]) for i in range(0, len(part), BUNDLE))
        folder = new_folder(plan.paths)
        name = f"klaim-toy-smoke-{folder.name}"
        Submission(folder, name, "c", bundles, 8, 1.0, job=str(number)).write()
        lines += [f"{number}_{task}|PENDING||Priority|{name}\n" for task in range(len(bundles))]
    slurm.says("squeue", "".join(lines))

    text = benchmark.pedantic(lambda: status_text(make(tmp_path / "results")), rounds=3)
    assert "5000 done, 5000 queued" in text
    assert f"Jobs: {len(lines)} pending (Priority)." in text
    assert len(slurm.calls("squeue")) == 3
    assert benchmark.stats.stats.min < BOUND_SECONDS
