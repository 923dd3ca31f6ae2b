"""What a user of SLURM finds in the cluster for development."""

from __future__ import annotations

import time
from pathlib import Path

from checkout import wait_until
from slurm_jobs import find_job, restarts, submit, wait_for_lines, wait_for_state

from slurm.devcluster.cluster import DevCluster


def test_every_task_of_an_array_runs(slurm_cluster: DevCluster, tmp_path: Path) -> None:
    submit(slurm_cluster, f"touch {tmp_path}/$SLURM_ARRAY_TASK_ID", "--array=0-9")
    wait_until(lambda: len(list(tmp_path.iterdir())) == 10)
    assert {path.name for path in tmp_path.iterdir()} == {str(number) for number in range(10)}


def test_an_array_of_the_largest_size_is_taken_and_a_larger_one_is_not(
    slurm_cluster: DevCluster,
) -> None:
    largest = slurm_cluster.settings.max_array_size - 1
    held = submit(slurm_cluster, "true", f"--array=0-{largest}", "--hold")
    assert slurm_cluster.run("scancel", held).returncode == 0
    refused = slurm_cluster.run("sbatch", f"--array=0-{largest + 1}", "--wrap=true")
    assert refused.returncode != 0
    assert "Invalid job array specification" in refused.stderr


def test_two_jobs_on_a_node_see_one_gpu_each(slurm_cluster: DevCluster, tmp_path: Path) -> None:
    for name in ("first", "second"):
        script = f"echo $CUDA_VISIBLE_DEVICES > {tmp_path}/{name}; sleep 2"
        submit(slurm_cluster, script, "--gres=gpu:1", "--nodelist=node1")
    submit(slurm_cluster, f"echo $CUDA_VISIBLE_DEVICES > {tmp_path}/both", "--gres=gpu:2")
    shown = {path: wait_for_lines(tmp_path / path, 1)[0] for path in ("first", "second", "both")}
    assert {shown["first"], shown["second"]} == {"0", "1"}
    assert shown["both"] == "0,1"


def test_a_job_without_gpus_sees_none(slurm_cluster: DevCluster, tmp_path: Path) -> None:
    submit(slurm_cluster, f"echo [$CUDA_VISIBLE_DEVICES] > {tmp_path}/none")
    assert wait_for_lines(tmp_path / "none", 1) == ["[]"]


def test_a_step_inside_of_a_job_runs(slurm_cluster: DevCluster, tmp_path: Path) -> None:
    submit(slurm_cluster, f"srun --ntasks=2 sh -c 'echo $SLURM_PROCID' > {tmp_path}/out", "-n2")
    assert sorted(wait_for_lines(tmp_path / "out", 2)) == ["0", "1"]


def test_a_job_that_takes_too_much_memory_is_killed(
    slurm_cluster: DevCluster, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    hungry = "head -c 400M /dev/zero | tail | sleep 60"
    job = submit(slurm_cluster, hungry, "--mem=100", f"--output={log}")
    wait_for_state(slurm_cluster, job, "FAILED", "OUT_OF_MEMORY")
    assert "exceeded memory limit" in log.read_text(encoding="utf-8")


def test_an_urgent_job_sends_others_back_into_the_queue(
    slurm_cluster: DevCluster, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    script = (
        f"trap 'echo warned >> {log}' USR1; echo started >> {log}; while true; do sleep 1; done"
    )
    whole = ("--exclusive", "--nodelist=node1")
    job = submit(slurm_cluster, script, "--signal=B:USR1@1", *whole)
    wait_for_lines(log, 1)
    urgent = submit(slurm_cluster, "sleep 1", "--partition=urgent", *whole)
    wait_for_state(slurm_cluster, urgent, "COMPLETED")
    assert restarts(slurm_cluster, job) == 1
    assert log.read_text(encoding="utf-8").splitlines() == ["started", "warned"]
    assert slurm_cluster.run("scancel", job).returncode == 0


def test_a_requeued_job_starts_again_within_seconds(
    slurm_cluster: DevCluster, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    job = submit(slurm_cluster, f"echo started >> {log}; sleep 60")
    wait_for_lines(log, 1)
    before = time.monotonic()
    assert slurm_cluster.run("scontrol", "requeue", job).returncode == 0
    wait_for_lines(log, 2)
    assert time.monotonic() - before < 15
    assert slurm_cluster.run("scancel", job).returncode == 0


def test_a_cancelled_job_is_gone_from_the_node(slurm_cluster: DevCluster, tmp_path: Path) -> None:
    job = submit(slurm_cluster, f"echo $$ > {tmp_path}/pid; exec sleep 60")
    pid = wait_for_lines(tmp_path / "pid", 1)[0]
    assert slurm_cluster.run("scancel", job).returncode == 0
    wait_for_state(slurm_cluster, job, "CANCELLED")
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    found = find_job(slurm_cluster, job)
    assert found is not None


def test_without_accounting_sacct_fails(slurm_cluster: DevCluster) -> None:
    done = slurm_cluster.run("sacct")
    assert done.returncode != 0
    assert "accounting storage is disabled" in done.stderr
