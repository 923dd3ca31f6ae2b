"""The cluster for development: what a user of SLURM finds in it."""

from __future__ import annotations

from pathlib import Path

from checkout import wait_until

from slurm.devcluster.cluster import DevCluster


def test_an_array_runs_and_each_task_sees_its_gpu(
    slurm_cluster: DevCluster, tmp_path: Path
) -> None:
    script = f"echo $CUDA_VISIBLE_DEVICES $SLURM_ARRAY_TASK_ID > {tmp_path}/$SLURM_ARRAY_TASK_ID"
    done = slurm_cluster.run(
        "sbatch", "--array=0-3", "--gres=gpu:1", "--output=/dev/null", f"--wrap={script}"
    )
    assert done.returncode == 0, done.stderr
    wait_until(lambda: len(list(tmp_path.iterdir())) == 4)
    shown = {path.name: path.read_text(encoding="utf-8").split() for path in tmp_path.iterdir()}
    assert {name: words[-1] for name, words in shown.items()} == {name: name for name in shown}
    assert {words[0] for words in shown.values()} <= {"0", "1"}
