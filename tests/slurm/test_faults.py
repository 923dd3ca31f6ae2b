"""What clusters do to sweeps, one fault at a time, on a real SLURM: each row of the fault table."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from checkout import Checkout
from cluster_sweep import (
    ClusterSweep,
    assert_all_done_once,
    attempts,
    deadly_sbatch,
    eventually,
    job_of,
    kill_trial,
    kill_worker,
    node_of,
    preempt,
    read,
    reasons,
)
from slurm_cluster import running_cluster

from slurm.devcluster import faults
from slurm.devcluster.cluster import DevCluster
from slurm.devcluster.settings import ClusterSettings


@pytest.mark.fault("`kill -9` of the trial's process")
def test_a_killed_trial_costs_itself_alone_and_its_bundle_goes_on(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, parallel=1)
    run = sweep.start()
    victim = sweep.running()
    kill_trial(victim)
    sweep.finish(run)
    assert_all_done_once(sweep)
    assert reasons(victim) == ["killed by SIGKILL (out of memory, or by hand)", "done"]
    assert read(victim / "result.json")["resumed_from"] >= 3
    assert all(reasons(other) == ["done"] for other in sweep.trials if other != victim)
    assert len(sweep.submissions) == 1


@pytest.mark.fault("`kill -9` of the trial's process")
def test_a_trial_that_is_killed_each_time_fails_by_rule(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, steps=1)
    checkout.edit_spec(lambda spec: spec["methods"]["far"]["params"].update(ending="kill"))
    shown = sweep.finish(sweep.start(), status=1)
    assert "2 failed" in shown
    failed = [folder for folder in sweep.trials if (folder / "error.json").exists()]
    assert len(failed) == 2
    assert all(len(reasons(folder)) == 2 for folder in failed)
    assert "killed twice" in read(failed[0] / "error.json")["message"]


@pytest.mark.fault("an exception")
def test_an_exception_is_never_tried_again(checkout: Checkout, slurm_cluster: DevCluster) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, steps=1)
    checkout.edit_spec(lambda spec: spec["methods"]["far"]["params"].update(ending="raise"))
    sweep.finish(sweep.start(), status=1)
    failed = [folder for folder in sweep.trials if (folder / "error.json").exists()]
    assert [reasons(folder) for folder in failed] == [["exception"], ["exception"]]


@pytest.mark.fault("job over its time limit, checkpointed")
def test_a_job_over_its_time_limit_goes_on_from_its_last_step(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    # SLURM looks at the limits twice a minute, and signals up to a minute early.
    sweep = ClusterSweep.make(
        checkout, slurm_cluster, seeds=1, steps=400, time_minutes=1, signal_seconds=50
    )
    sweep.reproduce()
    assert_all_done_once(sweep)
    stopped = [folder for folder in sweep.trials if reasons(folder) != ["done"]]
    assert stopped
    for folder in stopped:
        assert set(reasons(folder)) == {"time limit", "done"}
        first = re.search(r"stopped after step (\d+)", attempts(folder)[-2]["reason"])
        assert first is not None
        assert read(folder / "result.json")["resumed_from"] == int(first[1])


@pytest.mark.slow
@pytest.mark.fault("job over its time limit, no checkpoint")
def test_a_job_over_its_limit_without_a_checkpoint_fails_by_rule(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(
        checkout, slurm_cluster, seeds=1, steps=1, time_minutes=1, signal_seconds=57
    )

    def one_long_step(spec: dict[str, Any]) -> None:
        spec["scales"]["smoke"]["task"]["step_seconds"] = 100
        spec["scales"]["smoke"]["methods"] = ["near", "far"]

    checkout.edit_spec(one_long_step)
    shown = sweep.finish(sweep.start(), status=1)
    assert "raise time_minutes" in shown
    assert all(reasons(folder) == ["time limit"] for folder in sweep.trials)


@pytest.mark.fault("`scontrol requeue`")
def test_a_requeued_job_goes_on_and_says_why(checkout: Checkout, slurm_cluster: DevCluster) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=1, steps=30)
    run = sweep.start()
    victim = sweep.running()
    sweep.command("scontrol", "requeue", job_of(victim))
    sweep.finish(run)
    assert_all_done_once(sweep)
    assert reasons(victim) == ["requeued", "done"]
    assert read(victim / "result.json")["resumed_from"] >= 3
    assert len(sweep.submissions) == 1


@pytest.mark.fault("preemption by a higher partition")
def test_a_preempted_job_goes_on_and_says_why(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=1, steps=50)
    run = sweep.start()
    victim = sweep.running()
    preempt(sweep, node_of(victim))
    sweep.finish(run)
    assert_all_done_once(sweep)
    assert "preempted" in reasons(victim)
    assert read(victim / "result.json")["resumed_from"] >= 3


@pytest.mark.fault("a node's daemons killed mid-job")
def test_a_job_on_a_node_that_dies_runs_elsewhere(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=1, steps=40)
    run = sweep.start()
    victim = sweep.running()
    node = node_of(victim)
    try:
        faults.crash_node(slurm_cluster, node)
        sweep.finish(run)
    finally:
        faults.revive_node(slurm_cluster, node)
    assert_all_done_once(sweep)
    assert reasons(victim) == ["node failure", "done"]
    assert attempts(victim)[-1]["node"] != node
    assert read(victim / "result.json")["resumed_from"] >= 3


@pytest.mark.fault("out of memory")
def test_a_trial_that_is_out_of_memory_is_tried_once_more(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=1, steps=40)
    run = sweep.start()
    victim = sweep.running()
    (victim / "trouble").write_text("memory")
    sweep.finish(run)
    assert_all_done_once(sweep)
    assert reasons(victim) == ["out of memory", "done"]


@pytest.mark.fault("out of memory, twice")
def test_a_trial_that_is_out_of_memory_twice_fails_with_what_to_change(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=1, steps=40)
    run = sweep.start()
    victim = sweep.running()
    (victim / "trouble").write_text("memory")
    eventually(lambda: len(attempts(victim)) == 2)
    (victim / "trouble").write_text("memory")
    shown = sweep.finish(run, status=1)
    assert reasons(victim) == ["out of memory", "out of memory"]
    assert "raise memory_gb" in shown
    assert "RETRY=failed" in read(victim / "error.json")["message"]


@pytest.mark.fault("worker killed, no accounting")
def test_states_become_final_without_accounting(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    assert slurm_cluster.run("sacct").returncode != 0
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=1, steps=30, parallel=1)
    run = sweep.start()
    victim = sweep.running()
    # The worker dies, and its trial with it: no result pickle, no word.
    kill_worker(victim)
    sweep.finish(run)
    assert_all_done_once(sweep)
    assert len(reasons(victim)) == 2


@pytest.mark.fault("worker killed, with accounting")
def test_states_become_final_with_accounting(checkout: Checkout) -> None:
    with running_cluster(ClusterSettings(nodes=2, accounting=True)) as cluster:
        sweep = ClusterSweep.make(checkout, cluster, seeds=1, steps=30, parallel=1)
        run = sweep.start()
        victim = sweep.running()
        kill_worker(victim)
        sweep.finish(run)
        assert_all_done_once(sweep)
        assert len(reasons(victim)) == 2


@pytest.mark.fault("array larger than MaxArraySize")
def test_an_array_larger_than_the_cluster_takes_is_cut(checkout: Checkout) -> None:
    with running_cluster(ClusterSettings(nodes=2, max_array_size=3)) as cluster:
        sweep = ClusterSweep.make(checkout, cluster, seeds=4, steps=2, parallel=8)
        # Trials that seem long get a job each.
        checkout.edit_spec(
            lambda spec: spec["scales"]["smoke"].update(resources={"hours": 0.2, "gpus": 0})
        )
        sweep.reproduce()
    assert_all_done_once(sweep)
    assert [len(one["bundles"]) for one in sweep.submissions] == [3, 3, 2]
    assert sum(one["throttle"] for one in sweep.submissions) <= 8
    for pickle in checkout.results.rglob("*.pkl"):
        assert re.fullmatch(r"\d+_\d+_(submitted|0_result)\.pkl", pickle.name), "an orphan"


@pytest.mark.fault("controller killed and started again")
def test_a_controller_that_is_away_loses_nothing(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=2, steps=30)
    run = sweep.start()
    sweep.running()
    faults.kill_controller(slurm_cluster)
    try:
        status = checkout.repro("status", "toy", "--scale", "smoke")
        assert "The queue cannot be asked" in status.stdout, status.stderr
    finally:
        faults.start_controller(slurm_cluster)
    sweep.finish(run)
    assert_all_done_once(sweep)


@pytest.mark.fault("submitter killed mid-submission")
def test_a_submitter_killed_midway_leaves_nothing_that_runs_twice(
    checkout: Checkout, slurm_cluster: DevCluster, tmp_path: Path
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, steps=5)
    run = sweep.start(PATH=f"{deadly_sbatch(tmp_path)}:{sys.exec_prefix}/bin:/usr/bin:/bin")
    run.wait(timeout=60)
    assert run.returncode == -signal.SIGKILL
    assert [one["job"] for one in sweep.submissions] == [""]
    eventually(lambda: len(sweep.jobs()) > 0)
    sweep.reproduce()
    assert_all_done_once(sweep)
    assert all(reasons(folder) == ["done"] for folder in sweep.trials)


@pytest.mark.fault("submitter killed later")
def test_jobs_go_on_without_their_submitter(checkout: Checkout, slurm_cluster: DevCluster) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=2, steps=10)
    run = sweep.start()
    sweep.running()
    run.kill()
    run.wait()
    eventually(lambda: all((folder / "result.json").exists() for folder in sweep.trials))
    assert "Nothing to run." in sweep.reproduce()
    assert len(sweep.submissions) == 1


@pytest.mark.fault("disk full")
def test_a_full_disk_is_said_and_the_store_stays_readable(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    # Files of more than 8 KiB cannot be written in jobs, as on a full disk.
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=1, setup=["ulimit -f 8"])
    checkout.edit_spec(
        lambda spec: spec["scales"]["smoke"]["task"].update(checkpoint_bytes=100_000)
    )
    shown = sweep.finish(sweep.start(), status=1)
    assert "2 trials could not be begun: disk: cannot write " in shown, shown
    assert "the file size limit is reached" in shown
    status = checkout.repro("status", "toy", "--scale", "smoke")
    assert "2 lost" in status.stdout, status.stderr
    sweep.set_profile()
    sweep.reproduce()
    assert_all_done_once(sweep)


@pytest.mark.fault("results directory read-only")
def test_results_that_cannot_be_written_are_one_line_and_no_job(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster)
    before = len(faults.jobs(slurm_cluster))
    sweep.options = ("--results", "/sys/klaim")
    run = sweep.start()
    _, complaint = run.communicate(timeout=60)
    assert run.returncode == 2
    assert complaint.startswith("repro: cannot write /sys/klaim")
    assert len(complaint.splitlines()) == 1
    assert len(faults.jobs(slurm_cluster)) == before


@pytest.mark.fault("the same sweep started twice at once")
def test_the_same_sweep_started_twice_is_one_set_of_jobs(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=4)
    for run in [sweep.start(), sweep.start()]:
        sweep.finish(run)
    assert_all_done_once(sweep)
    submitted = [t for one in sweep.submissions for bundle in one["bundles"] for t in bundle]
    assert sorted(submitted) == [folder.name for folder in sweep.trials]
    assert all(reasons(folder) == ["done"] for folder in sweep.trials)
