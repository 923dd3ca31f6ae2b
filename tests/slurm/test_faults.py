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
    begun,
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


@pytest.mark.slow
@pytest.mark.fault("a bundle over its time limit, no checkpoint")
def test_a_trial_that_others_left_too_little_time_is_begun_again(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    """Trials of a second, says the spec: they share a job, and the second would need most of it."""
    sweep = ClusterSweep.make(
        checkout, slurm_cluster, seeds=1, steps=0, time_minutes=1, signal_seconds=10, parallel=1
    )

    def take_longer_than_said(spec: dict[str, Any]) -> None:
        methods = spec["methods"]
        methods["near"] |= {"use": "baselines.toy.Far", "params": {"bias": 0.1, "seconds": 15.0}}
        methods["far"]["params"] = {"seconds": 44.0}
        spec["scales"]["smoke"]["resources"] = {"hours": 1 / 3600}

    checkout.edit_spec(take_longer_than_said)
    sweep.reproduce()
    near, far = sorted(sweep.trials, key=lambda trial: len(attempts(trial)))
    assert reasons(near) == ["done"]
    assert reasons(far) == ["time limit", "done"]
    assert attempts(far)[0]["late"]
    assert not attempts(far)[0]["advanced"]


@pytest.mark.slow
@pytest.mark.fault("an artefact over its job's time limit")
def test_an_artefact_that_no_job_has_time_for_fails_its_trials(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(
        checkout, slurm_cluster, seeds=1, steps=0, time_minutes=1, signal_seconds=57
    )
    changes = {"with_artifact": True, "artifact_seconds": 100.0}
    checkout.edit_spec(lambda spec: spec["scales"]["smoke"]["task"].update(changes))
    shown = sweep.finish(sweep.start(), status=1)
    assert "raise time_minutes" in shown
    assert all(reasons(trial) == ["time limit"] for trial in sweep.trials)
    first, second = sweep.submissions
    assert [first["bundles"], len(second["bundles"])] == [[[]], 1]
    (log,) = Path(first["folder"]).glob("*_log.out")
    assert log.read_text().count("an artefact takes longer than the time limit") == 1


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


@pytest.mark.fault("a node's slurmd killed mid-job, its trial lives on")
def test_a_node_without_its_daemon_and_the_one_after_it_do_each_trial_once(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    """Split brain: two workers have one list, one that SLURM has lost and one that it started."""
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=2, steps=120, parallel=1)
    run = sweep.start()
    victim = sweep.running()
    node = node_of(victim)
    try:
        faults.kill_node_daemon(slurm_cluster, node)
        eventually(lambda: any(node_of(trial) != node for trial in begun(sweep)))
        sweep.finish(run)
    finally:
        faults.revive_node(slurm_cluster, node)
    assert_all_done_once(sweep)
    assert reasons(victim) == ["done"]
    assert node_of(victim) == node
    assert {node_of(trial) for trial in sweep.trials} > {node}
    assert len(sweep.submissions) == 1


@pytest.mark.fault("a node's slurmd killed mid-job, its trial dies a little later")
def test_a_trial_of_a_node_without_its_daemon_runs_elsewhere_when_it_dies(
    checkout: Checkout, slurm_cluster: DevCluster
) -> None:
    sweep = ClusterSweep.make(checkout, slurm_cluster, seeds=1, steps=120, parallel=1)
    run = sweep.start()
    victim = sweep.running()
    node = node_of(victim)
    try:
        faults.kill_node_daemon(slurm_cluster, node)
        eventually(lambda: any(node_of(trial) != node for trial in begun(sweep)))
        faults.crash_node(slurm_cluster, node)
        sweep.finish(run)
    finally:
        faults.revive_node(slurm_cluster, node)
    assert_all_done_once(sweep)
    assert len(reasons(victim)) == 2
    assert node_of(victim) != node
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
