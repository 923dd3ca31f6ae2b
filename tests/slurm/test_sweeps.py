"""Sweeps on a real SLURM that nothing befalls: what their users do, and what it leads to."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from datetime import datetime
from typing import Any

from checkout import Checkout
from cluster_sweep import (
    ClusterSweep,
    assert_all_done_once,
    attempts,
    eventually,
    read,
    reasons,
)

from slurm.devcluster import faults
from slurm.devcluster.cluster import DevCluster


def test_short_trials_are_bundled_and_run_from_a_copy_of_the_code(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=4, steps=2)
    shown = sweep.reproduce()
    assert "each with a limit of 5 min" in shown
    assert_all_done_once(sweep)
    (submission,) = sweep.submissions
    assert sum(map(len, submission["bundles"])) == 8
    assert len(submission["bundles"]) == 1
    result = read(sweep.trials[0] / "result.json")
    assert result["fingerprint"]["files"].keys() >= {"tasks/toy.py"}
    assert (
        checkout.results / "code" / submission["code"] / "repro" / "trials" / "store.py"
    ).is_file()
    assert all(attempt["node"] for attempt in attempts(sweep.trials[0]))


def test_an_edit_while_jobs_wait_changes_nothing_of_what_they_run(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=1, sbatch={"begin": "now+5"})
    run = sweep.start()
    eventually(lambda: len(sweep.jobs()) > 0)
    source = checkout.root / "baselines" / "toy" / "__init__.py"
    old = source.read_text()
    source.write_text(old.replace("return self.bias +", "return 100 + self.bias +"))
    sweep.finish(run)
    far = [t for t in sweep.trials if read(t / "trial.json")["setting"]["method"] == "far"]
    assert all(read(trial / "result.json")["metrics"]["error"] < 1 for trial in far)
    assert "1 stale" in checkout.repro("status", "toy", "--scale", "smoke").stdout
    source.write_text(old)
    assert "Nothing to run." in sweep.reproduce()


def test_ctrl_c_leaves_jobs_and_a_second_call_watches_them(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=2, steps=20)
    run = sweep.start()
    sweep.running()
    run.send_signal(signal.SIGINT)
    shown, complaint = run.communicate(timeout=30)
    assert run.returncode == 130, complaint
    assert "Traceback" not in complaint
    assert "Jobs that go on without this command: 1." in shown
    assert "make cancel PAPER=toy SCALE=smoke" in shown
    status = checkout.repro("status", "toy", "--scale", "smoke").stdout
    assert "Jobs: 1 running" in status
    assert "queued" in status
    again = sweep.reproduce()
    assert "of them are in the queue already" in again
    assert len(sweep.submissions) == 1
    assert_all_done_once(sweep)
    assert all(reasons(folder) == ["done"] for folder in sweep.trials)


def test_cancel_ends_what_the_sweep_started_and_nothing_else(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=2, steps=100)
    other = sweep.command("sbatch", "--parsable", "-o", "/dev/null", "--wrap", "sleep 60").strip()
    run = sweep.start()
    sweep.running()
    shown = checkout.repro("cancel", "toy", "--scale", "smoke").stdout
    assert "cancelled 2 jobs" in shown
    told = sweep.finish(run, status=1)
    assert "4 trials were cancelled." in told
    states = {job.id: job.state for job in faults.jobs(slurm_cluster)}
    assert states[other] in ("RUNNING", "PENDING")
    sweep.command("scancel", other)
    assert "nothing to cancel" in checkout.repro("cancel", "toy", "--scale", "smoke").stdout
    # The next call goes on from the checkpoints.
    checkout.edit_spec(lambda spec: spec["scales"]["smoke"].update(seeds=1))
    started = {t.name for t in sweep.trials if (t / "checkpoint.pickle").exists()}
    assert started
    sweep.reproduce()
    done = [t for t in sweep.trials if (t / "result.json").exists()]
    assert any(read(t / "result.json")["resumed_from"] for t in done if t.name in started)


def test_what_a_cluster_began_is_finished_on_this_machine(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=3, steps=20, parallel=1)
    run = sweep.start()
    eventually(lambda: any((trial / "result.json").exists() for trial in sweep.trials))
    run.kill()
    run.wait()
    checkout.repro("cancel", "toy", "--scale", "smoke")
    eventually(lambda: all(job.state != "RUNNING" for job in sweep.jobs()))
    shown = checkout.repro("reproduce", "toy", "--scale", "smoke")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert_all_done_once(sweep)
    hosts = {attempts(trial)[-1]["node"] != "" for trial in sweep.trials}
    assert hosts == {True, False}


def test_what_this_machine_began_is_finished_on_a_cluster(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=3, steps=10)
    local = checkout.start("reproduce", "toy", "--scale", "smoke", "--jobs", "1")
    eventually(lambda: any((trial / "result.json").exists() for trial in sweep.trials))
    local.send_signal(signal.SIGINT)
    assert local.wait(timeout=30) == 130
    sweep.reproduce()
    assert_all_done_once(sweep)


def test_a_gpu_trial_gets_the_gpu_that_its_job_has(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=2, steps=2, gres="gpu:fake:{gpus}")

    def on_gpus(spec: dict[str, Any]) -> None:
        resources = {"gpus": 1, "hours": 0.001, "methods": {"far": {"gpus": 2}}}
        spec["scales"]["smoke"]["resources"] = resources

    checkout.edit_spec(on_gpus)
    sweep.reproduce()
    assert_all_done_once(sweep)
    given = {
        (read(trial / "trial.json")["setting"]["method"], attempts(trial)[-1]["gpu"])
        for trial in sweep.trials
    }
    assert {("far", "0,1")} < given
    assert {gpu for method, gpu in given if method == "near"} <= {"0", "1"}
    assert len(sweep.submissions) == 2


def test_a_shells_own_words_to_slurm_change_nothing(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    """A job's name is how it is found again; a time in another format could not be read."""
    sweep = ClusterSweep.make(checkout, slurm_cluster, steps=2)
    own = {"SBATCH_JOB_NAME": "mine", "SBATCH_TIMELIMIT": "1", "SLURM_TIME_FORMAT": "relative"}
    sweep.reproduce(**own, SQUEUE_PARTITION="urgent")
    assert_all_done_once(sweep)
    assert len(sweep.submissions) == 1
    assert [job.name for job in sweep.jobs()] == [sweep.submissions[0]["name"]]


def test_a_sweep_may_be_started_inside_of_a_job(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, steps=2)
    command = shlex.join([sys.executable, "-m", "repro", *sweep.arguments])
    output = checkout.root / "out.txt"
    words = ("--parsable", "--mem-per-cpu=200", "-n", "2", "-D", str(checkout.root))
    subprocess.run(
        ["sbatch", *words, "-o", str(output), "--wrap", command],
        env=checkout.variables(),
        check=True,
    )
    eventually(lambda: output.exists() and "Report: " in output.read_text())
    assert_all_done_once(sweep)
    assert len(sweep.submissions) == 1


def test_groups_of_resources_share_the_cap(checkout: Checkout, slurm_cluster: DevCluster) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=2, steps=10, parallel=1)

    def unlike(spec: dict[str, Any]) -> None:
        resources = {"hours": 0.001, "methods": {"far": {"cpus": 2}}}
        spec["scales"]["smoke"]["resources"] = resources

    checkout.edit_spec(unlike)
    sweep.reproduce()
    assert_all_done_once(sweep)
    first, second = sweep.submissions
    spans = {
        one["job"]: [a for t in sweep.trials for a in attempts(t) if a["job"] == one["job"]]
        for one in (first, second)
    }
    ended = max(attempt["end"] for attempt in spans[first["job"]])
    assert ended < min(attempt["start"] for attempt in spans[second["job"]])


def test_a_job_that_would_wait_for_ever_is_one_line(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, partition="urgent", time_minutes=5)
    sweep.command("scontrol", "update", "partitionname=urgent", "maxtime=1")
    try:
        run = sweep.start()
        _, complaint = run.communicate(timeout=60)
    finally:
        sweep.command("scontrol", "update", "partitionname=urgent", "maxtime=infinite")
    assert run.returncode == 2, complaint
    assert "would wait for ever (PartitionTimeLimit) and were cancelled" in complaint
    assert len(complaint.splitlines()) == 1
    eventually(lambda: {job.state for job in sweep.jobs()} == {"CANCELLED"})
    sweep.set_profile()
    sweep.reproduce()
    assert_all_done_once(sweep)


def test_seeds_that_run_together_share_a_job(checkout: Checkout, slurm_cluster: DevCluster) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=8, steps=1, parallel=4)

    def together(spec: dict[str, Any]) -> None:
        spec["task"] = "tasks.toy.ToyTogether"
        spec["scales"]["smoke"]["resources"] = {"hours": 10 / 3600}

    checkout.edit_spec(together)
    sweep.reproduce()
    assert_all_done_once(sweep)
    (submission,) = sweep.submissions
    assert sorted(map(len, submission["bundles"])) == [8, 8]
    for trial in sweep.trials:
        assert read(trial / "result.json")["cost"]["shared_by"] == 8


def test_what_the_cluster_refuses_is_one_line_with_its_words(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, partition="nowhere")
    run = sweep.start()
    _, complaint = run.communicate(timeout=60)
    assert run.returncode == 2
    assert "the cluster refused a job" in complaint
    assert "invalid partition specified: nowhere" in complaint
    assert len(complaint.splitlines()) == 1
    assert sweep.submissions == []
    assert not list(checkout.results.rglob("*.pkl"))


def test_a_worker_that_cannot_start_is_given_up_with_its_last_words(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    broken = "bash -c 'echo no such image >&2; exit 1' --"
    sweep = ClusterSweep.make(checkout, slurm_cluster, python=broken)
    shown = sweep.finish(sweep.start(), status=1)
    assert "4 trials could not be begun:" in shown
    assert "no such image" in shown
    assert len(sweep.submissions) == 3


def test_an_artefact_that_is_told_to_stop_ends_at_once_and_a_trial_builds_it(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=1, steps=1)
    changes = {"with_artifact": True, "artifact_seconds": 8.0}
    checkout.edit_spec(lambda spec: spec["scales"]["smoke"]["task"].update(changes))
    run = sweep.start()
    artifacts = checkout.results / "artifacts"
    eventually(lambda: any(artifacts.rglob("heartbeat.json")))
    first = sweep.submissions[0]["job"]
    # As SLURM does when a job's time is nearly over.
    sweep.command("scancel", "--signal=USR2", first)
    sweep.finish(run)
    assert_all_done_once(sweep)
    (record,) = artifacts.rglob("artifact.json")
    stopped, built = attempts(record.parent)
    assert [stopped["job"], built["job"]] == [one["job"] for one in sweep.submissions]
    assert reasons(record.parent) == ["interrupted", "done"]
    assert seconds_of(stopped) < 6


def seconds_of(attempt: dict[str, Any]) -> float:
    start, end = (datetime.fromisoformat(attempt[key]) for key in ("start", "end"))
    return (end - start).total_seconds()


def test_an_artefact_is_built_in_a_job_of_its_own_before_the_trials(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=2, steps=2)
    checkout.edit_spec(lambda spec: spec["scales"]["smoke"]["task"].update(with_artifact=True))
    sweep.reproduce()
    assert_all_done_once(sweep)
    (record,) = (checkout.results / "artifacts").rglob("artifact.json")
    (built,) = attempts(record.parent)
    assert built["reason"] == "done"
    first, second = sweep.submissions
    assert first["bundles"] == [[]]
    assert built["job"] == first["job"]
    assert all(attempts(trial)[0]["start"] > built["end"] for trial in sweep.trials)
    assert all(attempts(trial)[0]["job"].startswith(second["job"]) for trial in sweep.trials)
