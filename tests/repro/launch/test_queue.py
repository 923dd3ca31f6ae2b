"""What is read of SLURM's commands and of jobs' logs, and what follows from it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fake_slurm import FakeSlurm

from repro.launch import queue
from repro.launch.endings import kind_in_log, kind_of_state, last_words
from repro.launch.memory import kills_for_memory
from repro.launch.submission import Submission, living_trials, read_submissions


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    queue.configuration.cache_clear()
    return FakeSlurm(tmp_path / "bin", monkeypatch)


def test_the_queue_is_read_line_by_line(slurm: FakeSlurm) -> None:
    lines = ["12_0|RUNNING|node1|None|a", "12_10|PENDING||Resources|a", "13|CANCELLED||None|b"]
    slurm.says("squeue", "\n".join(lines) + "\n")
    first, second, third = queue.queued_jobs()
    assert (first.job, first.task, first.node, first.is_final) == ("12_0", 0, "node1", False)
    assert (second.task, second.reason, second.is_final) == (10, "Resources", False)
    assert (third.task, third.is_final) == (0, True)
    assert len(slurm.calls("squeue")) == 1


def test_a_queue_that_does_not_answer_is_no_empty_queue(slurm: FakeSlurm) -> None:
    complaint = "slurm_load_jobs error: Unable to contact slurm controller"
    slurm.says("squeue", "", status=1, complaint=complaint)
    with pytest.raises(queue.QueueSilentError, match="Unable to contact"):
        queue.queued_jobs()


def test_jobs_that_wait_for_ever_are_known(slurm: FakeSlurm) -> None:
    reasons = ("DependencyNeverSatisfied", "launch failed requeued held", "JobHeldUser", "Priority")
    slurm.says("squeue", "".join(f"1|PENDING||{reason}|a\n" for reason in reasons))
    assert [job.is_hopeless for job in queue.queued_jobs()] == [True, True, False, False]


@pytest.mark.parametrize(
    ("reason", "impossible"),
    [
        ("PartitionTimeLimit", True),
        ("QOSMaxWallDurationPerJobLimit", True),
        ("AssocMaxGRESPerJob", True),
        ("BadConstraints", True),
        ("QOSMaxJobsPerUserLimit", False),
        ("QOSMaxCpuPerUserLimit", False),
        ("AssocGrpGRES", False),
        ("PartitionDown", False),
        ("JobHeldUser", False),
    ],
)
def test_jobs_that_ask_for_too_much_are_known(reason: str, impossible: bool) -> None:
    waiting = queue.QueuedJob("1", "PENDING", "", reason, "a")
    assert waiting.is_impossible is impossible
    assert not queue.QueuedJob("1", "RUNNING", "n", reason, "a").is_impossible


def test_a_shells_defaults_do_not_reach_the_commands(
    slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQUEUE_PARTITION would hide jobs, and SBATCH_JOB_NAME the names by which they are known."""
    foreign = ("SQUEUE_PARTITION", "SLURM_TIME_FORMAT", "SBATCH_JOB_NAME", "SLURM_JOB_ID")
    for name in (*foreign, "SLURM_CONF", "SBATCH_ACCOUNT", "SLURM_OF_A_PROFILE"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setattr(queue, "_CLIENT", set(queue._CLIENT))
    queue.talk_to({"SLURM_OF_A_PROFILE": "y"})
    (slurm.folder / "squeue").write_text("#!/bin/sh\nenv | sed 's/=.*/|||/; s/$/|name/'\n")
    seen = {job.job for job in queue.queued_jobs()}
    assert {"PATH", "SLURM_CONF", "SLURM_OF_A_PROFILE"} <= seen
    assert not seen & {*foreign, "SBATCH_ACCOUNT"}
    with queue.without_defaults("SBATCH_ACCOUNT"):
        assert not os.environ.keys() & set(foreign)
        assert os.environ["SBATCH_ACCOUNT"] == os.environ["SLURM_CONF"] == "x"
    assert os.environ.keys() >= set(foreign)


def test_accounting_that_is_off_says_nothing(slurm: FakeSlurm) -> None:
    slurm.says("sacct", "", status=1, complaint="Slurm accounting storage is disabled")
    assert queue.accounted_states(["12"]) == {}
    slurm.says("sacct", "12_0|CANCELLED by 1000\n12_1|NODE_FAIL\n")
    assert queue.accounted_states(["12_1", "12_0"]) == {"12_0": "CANCELLED", "12_1": "NODE_FAIL"}
    assert len(slurm.calls("sacct")) == 2
    assert queue.accounted_states([]) == {}
    assert len(slurm.calls("sacct")) == 2


def test_the_clusters_largest_array(slurm: FakeSlurm) -> None:
    slurm.says("scontrol", "ClusterName             = alpha\nMaxArraySize            = 4001\n")
    assert queue.most_tasks() == 4001
    assert queue.configuration()["ClusterName"] == "alpha"
    assert len(slurm.calls("scontrol")) == 1


def test_a_cluster_may_take_fewer_tasks_than_indices(slurm: FakeSlurm) -> None:
    limits = "SchedulerParameters = bf_interval=30,max_array_tasks=100\nMaxArraySize = 4001\n"
    slurm.says("scontrol", limits)
    assert queue.most_tasks() == 100


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("slurmstepd: error: Step 7.0 exceeded memory limit (9 > 8), being killed\n"
         "slurmstepd-n: error: *** STEP 7.0 ON n CANCELLED AT 2026-01-02T03:04:05 ***\n",
         "out of memory"),
        ("error: Detected 1 oom_kill event in StepId=7.0.\n", "out of memory"),
        ("error: *** JOB 7 ON n CANCELLED AT 2026-01-02T03:04:05 DUE TO PREEMPTION ***\n",
         "preempted"),
        ("error: *** STEP 7.0 ON n CANCELLED AT 2026-01-02T03:04:05 DUE TO TIME LIMIT ***\n",
         "time limit"),
        ("error: *** JOB 7 ON n CANCELLED AT 2026-01-02T03:04:05 DUE TO NODE FAILURE, SEE X ***\n",
         "node failure"),
        ("error: *** JOB 7 ON n CANCELLED AT 2026-01-02T03:04:05 DUE TO JOB REQUEUE ***\n"
         "error: *** JOB 7 ON n CANCELLED AT 2026-01-02T04:04:05 DUE TO PREEMPTION ***\n",
         "preempted"),
        ("slurmstepd-n: error: *** JOB 2 ON n CANCELLED AT 2026-11-26T18:41:03 ***\n", "cancelled"),
        ("INFO: Job completed successfully\n", None),
    ],
)  # fmt: skip
def test_a_jobs_log_tells_why_it_ended(tmp_path: Path, text: str, kind: str | None) -> None:
    log = tmp_path / "7_0_log.err"
    log.write_text("submitit INFO: Starting\n" + text)
    assert kind_in_log(log) == kind


def test_a_log_that_is_not_there_tells_nothing(tmp_path: Path) -> None:
    assert kind_in_log(tmp_path / "none") is None
    assert last_words(tmp_path / "none") == ""


def test_states_that_say_why() -> None:
    assert kind_of_state("TIMEOUT") == "time limit"
    assert kind_of_state("NODE_FAIL") == "node failure"
    assert kind_of_state("FAILED") is None


def test_the_last_words_are_the_programs_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("ModuleNotFoundError: No module named 'repro'\nsrun: error: exit code 1\n\n")
    assert last_words(log) == "ModuleNotFoundError: No module named 'repro'"
    log.write_text("srun: fatal: SLURM_MEM_PER_CPU and SLURM_MEM_PER_NODE exclude each other\n\n")
    assert last_words(log).startswith("srun: fatal: ")


@pytest.mark.parametrize(
    ("own", "counter"),
    [
        ("0::/system.slice/job_7/step_0\n", "system.slice/job_7/step_0/memory.events"),
        ("5:cpu:/x\n4:memory,hugetlb:/slurm/job_7\n", "memory/slurm/job_7/memory.oom_control"),
    ],
)
def test_the_kernel_counts_what_it_kills_for_memory(tmp_path: Path, own: str, counter: str) -> None:
    (tmp_path / "own").write_text(own)
    assert kills_for_memory(tmp_path / "own", tmp_path) == 0
    (tmp_path / counter).parent.mkdir(parents=True)
    (tmp_path / counter).write_text("oom 7\noom_kill 3\n")
    assert kills_for_memory(tmp_path / "own", tmp_path) == 3


def test_submissions_are_found_by_the_names_of_their_jobs(tmp_path: Path, slurm: FakeSlurm) -> None:
    folder = tmp_path / "jobs" / "one"
    folder.mkdir(parents=True)
    made = Submission(folder, "klaim-a", "c", (("t0", "t1"), ("t2",)), 2, 4.0, job="12")
    made.write()
    (tmp_path / "jobs" / "two").mkdir()
    (found,) = read_submissions(tmp_path / "jobs")
    assert found == made
    assert read_submissions(tmp_path / "jobs", ["two"]) == []
    assert [found.job_of(0), found.job_of(1)] == ["12_0", "12_1"]
    slurm.says("squeue", "12_0|COMPLETED|n|None|klaim-a\n12_1|RUNNING|n|None|klaim-a\n"
               "40|RUNNING|n|None|klaim-b\n")  # fmt: skip
    assert set(living_trials([found], queue.queued_jobs())) == {"t2"}
