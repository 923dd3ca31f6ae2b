"""The launcher on clusters that refuse, with commands that answer what a test wants."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_slurm import FakeSlurm
from report_fixtures import made_up_plan

from repro.errors import UserError
from repro.launch import patience, queue, slurm
from repro.launch.launcher import Order
from repro.launch.slurm import SlurmLauncher, job_prefix
from repro.launch.submission import Submission, new_folder
from repro.planning.estimate import Estimate
from repro.planning.plan import Plan
from repro.spec import Resources
from repro.trials.store import create

TOO_LONG = (
    "sbatch: error: QOSMaxWallDurationPerJobLimit\n"
    "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy "
    "(job submit limit, user's size and/or time limits)\n"
)


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    queue.configuration.cache_clear()
    monkeypatch.setattr(slurm, "missing_artifacts", lambda *_: [])
    monkeypatch.setattr(slurm, "seedless_key", lambda _: "")
    found = FakeSlurm(tmp_path / "bin", monkeypatch)
    found.says("scontrol", "ClusterName = alpha\n")
    return found


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return made_up_plan(tmp_path, scale="smoke")


def launcher_of(plan: Plan) -> SlurmLauncher:
    return SlurmLauncher(plan.paths, Resources(), "cpu", 0)


def order_of(plan: Plan) -> Order:
    trials = plan.trials[:2]
    for trial in trials:
        create(trial, plan.paths.trials)
    return Order(plan, trials, Estimate([], 1.0))


def submitted(plan: Plan, cluster: str = "alpha") -> Submission:
    folder = new_folder(plan.paths)
    name = job_prefix(plan.paths) + folder.name
    bundle = tuple(trial.trial_id for trial in plan.trials[:2])
    made = Submission(folder, name, cluster, (bundle,), 1, 1.0, job="12")
    made.write()
    return made


def test_a_job_that_is_too_large_is_refused_at_once(commands: FakeSlurm, plan: Plan) -> None:
    commands.says("sbatch", "", status=1, complaint=TOO_LONG)
    with pytest.raises(UserError, match=r"refused a job: .*QOSMaxWallDurationPerJobLimit"):
        launcher_of(plan).start(order_of(plan))
    assert not list(plan.paths.jobs.glob("*/submission.json"))


def test_a_cluster_that_takes_no_job_is_not_waited_for_for_ever(
    commands: FakeSlurm, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.0)
    commands.says("sbatch", "", status=1, complaint="sbatch: error: AssocMaxSubmitJobLimit")
    launcher, order = launcher_of(plan), order_of(plan)
    assert launcher.start(order) == set()
    # The queue answers all the while, and holds nothing of this sweep.
    assert launcher.held() == set()
    with pytest.raises(UserError, match=r"the cluster takes no job: .*AssocMaxSubmitJobLimit"):
        launcher.start(order)


def test_a_full_queue_is_borne_with_while_jobs_of_the_sweep_are_in_it(
    commands: FakeSlurm, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.0)
    commands.says("sbatch", "", status=1, complaint="sbatch: error: AssocMaxSubmitJobLimit")
    made = submitted(plan)
    commands.says("squeue", f"12|RUNNING|n|None|{made.name}\n")
    launcher = launcher_of(plan)
    others = Order(plan, plan.trials[2:4], Estimate([], 1.0))
    for _ in range(3):
        assert launcher.start(others) == set()


def test_a_job_that_would_wait_for_ever_is_cancelled_with_its_reason(
    commands: FakeSlurm, plan: Plan
) -> None:
    made = submitted(plan)
    commands.says("squeue", f"12|PENDING||PartitionTimeLimit|{made.name}\n"
                  "13|PENDING||PartitionTimeLimit|another\n")  # fmt: skip
    with pytest.raises(UserError, match=r"1 jobs would wait for ever \(PartitionTimeLimit\)"):
        launcher_of(plan).held()
    assert commands.calls("scancel") == ["12"]


def test_a_job_of_another_cluster_is_not_said_to_have_ended(
    commands: FakeSlurm, plan: Plan
) -> None:
    launcher = launcher_of(plan)
    submitted(plan, cluster="beta")
    assert launcher.held() == set()
    assert not launcher.has_ended("12")
    submitted(plan, cluster="alpha")
    assert launcher.has_ended("12")
