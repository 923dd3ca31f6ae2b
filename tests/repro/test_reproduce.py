"""Whole runs of a toy paper: what runs, what is kept, what a kill leaves behind."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from checkout import Checkout, kill, make_checkout, wait_until

SMOKE = ("toy", "--scale", "smoke")
SMALL = ("toy", "--scale", "small")


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def attempts(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "attempts.jsonl").read_text().splitlines()]


def finished(checkout: Checkout, scale: str) -> dict[str, float]:
    return {
        folder.name: (folder / "result.json").stat().st_mtime_ns
        for folder in checkout.trials(scale)
        if (folder / "result.json").exists()
    }


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, str]:
    """A checkout whose smoke trials are done, and what the run printed. Look, do not touch."""
    checkout = make_checkout(tmp_path_factory.mktemp("first") / "checkout")
    shown = checkout.repro("reproduce", *SMOKE)
    assert shown.returncode == 0, shown.stderr
    return checkout, shown.stdout


@pytest.fixture
def done(first_run: tuple[Checkout, str], tmp_path: Path) -> Checkout:
    """A copy of the finished checkout, for a test's own use."""
    root = tmp_path / "checkout"
    shutil.copytree(first_run[0].root, root)
    return Checkout(root)


def test_the_debug_launcher_gives_the_same_results(
    checkout: Checkout, first_run: tuple[Checkout, str]
) -> None:
    shown = checkout.repro("reproduce", *SMOKE, "--launcher", "debug")
    assert shown.returncode == 0, shown.stderr
    ours, theirs = checkout.trials(), first_run[0].trials()
    assert [folder.name for folder in ours] == [folder.name for folder in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert read(one / "result.json")["metrics"] == read(other / "result.json")["metrics"]


def test_a_run_ends_with_table_sentence_and_report(first_run: tuple[Checkout, str]) -> None:
    checkout, output = first_run
    assert "Near" in output
    report = Path(output.split("Report: ")[1].strip())
    for name in ("report.html", "table.md", "table.tex", "verdicts.json", "trials.parquet"):
        assert (report.parent / name).stat().st_size > 0
    assert len(finished(checkout, "smoke")) == 14


def test_a_second_call_runs_nothing(first_run: tuple[Checkout, str]) -> None:
    checkout, output = first_run
    before = finished(checkout, "smoke")
    started = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    second = checkout.repro("reproduce", *SMOKE)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - started < 3
    assert second.returncode == 0
    assert "Nothing to run." in second.stdout
    assert finished(checkout, "smoke") == before
    assert second.stdout.split("Report:")[1] == output.split("Report:")[1]


def test_more_seeds_run_only_what_is_missing(done: Checkout) -> None:
    checkout = done
    before = finished(checkout, "smoke")
    shown = checkout.repro("reproduce", *SMOKE, "--seeds", "4")
    assert "To run: 4" in shown.stdout
    after = finished(checkout, "smoke")
    assert len(after) == 18
    assert before.items() <= after.items()


def test_a_result_carries_cost_code_and_provenance(done: Checkout) -> None:
    checkout = done
    for folder in checkout.trials():
        result = read(folder / "result.json")
        assert set(result["metrics"]) == {"error", "validation_error", "effort"}
        assert result["cost"]["wall_seconds"] >= 0
        assert result["cost"]["peak_memory_bytes"] > 10 * 2**20
        assert result["cost"]["parameters"] == 1
        assert result["cost"]["samples_seen"] == 2
        assert "tasks/toy.py" in result["fingerprint"]["files"]
        assert [a["reason"] for a in attempts(folder)] == ["done"]
        assert (folder / "log.txt").read_text() == "guessing\n"
        leftovers = {"claim", "heartbeat.json", "checkpoint.pickle", "error.json"}
        assert not leftovers & {path.name for path in folder.iterdir()}


def test_method_and_baseline_share_their_seeds(checkout: Checkout) -> None:
    checkout.edit_spec(lambda s: s["methods"]["far"].update(use="methods.toy.Near"))
    checkout.repro("reproduce", *SMOKE, "--datasets", "plain")
    errors: dict[int, list[float]] = {}
    for folder in checkout.trials():
        trial, result = read(folder / "trial.json"), read(folder / "result.json")
        bias = trial["setting"]["params"].get("bias", 0.1)
        errors.setdefault(trial["seed"], []).append(round(result["metrics"]["error"] - bias, 9))
    assert all(len(set(noise)) == 1 for noise in errors.values())
    assert len({noise[0] for noise in errors.values()}) == 3


def test_editing_a_method_makes_exactly_its_trials_stale(done: Checkout) -> None:
    checkout = done
    before = finished(checkout, "smoke")
    source = checkout.root / "methods" / "toy.py"
    source.write_text(source.read_text() + "\n# A new remark.\n")
    for verb in ("status", "plan"):
        shown = checkout.repro(verb, *SMOKE).stdout
        assert "8 stale" in shown
        assert "methods/toy.py" in shown
    checkout.repro("report", *SMOKE)
    html = (checkout.results / "toy/smoke/report/report.html").read_text()
    assert "stale" in html
    shown = checkout.repro("reproduce", *SMOKE).stdout
    assert "To run: 8" in shown
    after = finished(checkout, "smoke")
    rerun = {name for name in before if after[name] != before[name]}
    methods = {
        read(checkout.trials()[0].parent / n / "trial.json")["setting"]["method"] for n in rerun
    }
    assert len(rerun) == 8
    assert methods == {"near"}


def test_stale_results_are_kept_when_told_so(done: Checkout) -> None:
    checkout = done
    before = finished(checkout, "smoke")
    source = checkout.root / "methods" / "toy.py"
    source.write_text(source.read_text() + "\n# A new remark.\n")
    shown = checkout.repro("reproduce", *SMOKE, "--stale", "keep").stdout
    assert "Nothing to run." in shown
    assert finished(checkout, "smoke") == before


def test_a_failed_trial_is_kept_with_its_traceback(checkout: Checkout) -> None:
    checkout.edit_spec(lambda s: s["methods"]["far"]["params"].update(ending="raise"))
    shown = checkout.repro("reproduce", *SMOKE)
    assert shown.returncode == 1
    assert "6 failed" in shown.stdout
    assert "the rival gives up" in shown.stdout
    failed = [folder for folder in checkout.trials() if (folder / "error.json").exists()]
    assert len(failed) == 6
    assert "RuntimeError" in read(failed[0] / "error.json")["traceback"]
    assert "RuntimeError" in checkout.repro("logs", "toy", failed[0].name, *SMOKE[1:]).stdout
    again = checkout.repro("reproduce", *SMOKE)
    assert "Nothing to run." in again.stdout
    assert again.returncode == 1
    assert len(attempts(failed[0])) == 1
    checkout.repro("reproduce", *SMOKE, "--retry", "failed")
    assert [a["reason"] for a in attempts(failed[0])] == [
        "exception: RuntimeError: the rival gives up"
    ] * 2


def test_changed_code_gives_a_failed_trial_another_chance(checkout: Checkout) -> None:
    checkout.edit_spec(lambda s: s["methods"]["far"]["params"].update(ending="raise"))
    checkout.repro("reproduce", *SMOKE)
    source = checkout.root / "baselines" / "toy" / "__init__.py"
    source.write_text(
        source.read_text().replace("raise RuntimeError", "return 0.7 or RuntimeError")
    )
    shown = checkout.repro("reproduce", *SMOKE)
    assert shown.returncode == 0
    assert "To run: 6" in shown.stdout


def test_a_trial_that_is_not_a_number_is_an_outcome(checkout: Checkout) -> None:
    checkout.edit_spec(lambda s: s["methods"]["far"]["params"].update(ending="nan"))
    shown = checkout.repro("reproduce", *SMOKE)
    assert shown.returncode == 0
    assert "diverged" in shown.stdout


def test_a_trial_that_is_killed_costs_itself_alone(checkout: Checkout) -> None:
    checkout.edit_spec(lambda s: s["methods"]["far"]["params"].update(ending="kill"))
    shown = checkout.repro("reproduce", *SMOKE, "--jobs", "1")
    assert shown.returncode == 1
    assert len(finished(checkout, "smoke")) == 8
    lost = [folder for folder in checkout.trials() if not (folder / "result.json").exists()]
    assert len(lost) == 6
    assert "6 failed" in shown.stdout
    assert "killed twice" in shown.stdout
    for folder in lost:
        assert ["killed by SIGKILL" in one["reason"] for one in attempts(folder)] == [True, True]
    assert "Nothing to run." in checkout.repro("reproduce", *SMOKE).stdout
    # Who asks for another try gets both chances anew.
    checkout.repro("reproduce", *SMOKE, "--retry", "failed")
    assert all(len(attempts(folder)) == 4 for folder in lost)


def running_beat(checkout: Checkout) -> dict[str, Any] | None:
    for folder in checkout.trials("small"):
        beat = folder / "heartbeat.json"
        if beat.exists():
            content = read(beat)
            if content["done"] >= 3:
                return content
    return None


def test_kill_nine_of_a_worker_loses_only_the_unfinished(checkout: Checkout) -> None:
    first = checkout.start("reproduce", *SMALL, "--jobs", "1")
    wait_until(lambda: len(finished(checkout, "small")) >= 1)
    before = finished(checkout, "small")
    wait_until(lambda: running_beat(checkout) is not None)
    (worker,) = (checkout.results / "toy/small/jobs").glob("*/worker-0.json")
    first.send_signal(signal.SIGKILL)
    first.wait()
    kill(read(worker)["pid"])
    unfinished = running_beat(checkout)
    assert unfinished is not None
    # The trial dies with its worker.
    wait_until(lambda: not Path(f"/proc/{unfinished['pid']}").exists())
    (cut_short,) = {path.parent for path in checkout.trials("small")[0].parent.glob("*/claim")}
    (cut_short / ".heartbeat.json.1.1").write_text('{"half')
    for path in checkout.results.rglob("*.json"):
        read(path)
    assert "lost" in checkout.repro("status", *SMALL).stdout

    second = checkout.repro("reproduce", *SMALL)
    assert second.returncode == 0, second.stdout + second.stderr
    after = finished(checkout, "small")
    assert len(after) == 6
    assert before.items() <= after.items()
    resumed = [f for f in checkout.trials("small") if len(attempts(f)) == 2]
    assert len(resumed) == 1
    result = read(resumed[0] / "result.json")
    assert result["resumed_from"] >= 3
    assert attempts(resumed[0])[0]["reason"].startswith("lost")
    steps = [json.loads(line)["step"] for line in (resumed[0] / "metrics.jsonl").open()]
    assert steps == list(range(20))
    assert (checkout.results / "toy/small/report/report.html").exists()
    assert not list(checkout.trials("small")[0].parent.glob("*/.*.json.*"))


def test_a_second_call_attaches_to_what_runs(checkout: Checkout) -> None:
    first = checkout.start("reproduce", *SMALL, "--jobs", "1")
    wait_until(lambda: running_beat(checkout) is not None)
    second = checkout.repro("reproduce", *SMALL, "--jobs", "1")
    assert second.returncode == 0
    assert first.wait(timeout=60) == 0
    assert all(len(attempts(folder)) == 1 for folder in checkout.trials("small"))


def test_ctrl_c_keeps_what_is_done_and_stops_the_workers(checkout: Checkout) -> None:
    run = checkout.start("reproduce", *SMALL, "--jobs", "1")
    wait_until(lambda: running_beat(checkout) is not None)
    run.send_signal(signal.SIGINT)
    shown, complaint = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "the same command goes on from there" in shown
    assert "Traceback" not in complaint
    stopped = [f for f in checkout.trials("small") if (f / "attempts.jsonl").exists()]
    reasons = [attempts(f)[-1]["reason"] for f in stopped]
    assert "interrupted: told to stop" in reasons
    assert not list((checkout.results / "toy/small/jobs").glob("*/worker-0.json"))


@pytest.mark.parametrize("content", ["", "{}", '{"metrics": {"error": null}, "cost": {}}', "[1]"])
def test_a_damaged_result_counts_as_none(done: Checkout, content: str) -> None:
    damaged = done.trials()[0]
    (damaged / "result.json").write_text(content)
    assert "1 lost" in done.repro("status", *SMOKE).stdout
    shown = done.repro("reproduce", *SMOKE)
    assert shown.returncode == 0, shown.stderr
    assert "To run: 1" in shown.stdout
    assert len(attempts(damaged)) == 2
    assert read(damaged / "result.json")["metrics"]["error"] > 0


def test_a_damaged_description_is_written_anew(done: Checkout) -> None:
    damaged = done.trials()[0]
    (damaged / "result.json").unlink()
    (damaged / "trial.json").write_text("")
    shown = done.repro("reproduce", *SMOKE)
    assert shown.returncode == 0, shown.stdout
    assert read(damaged / "trial.json")["trial_id"] == damaged.name


def test_a_users_file_may_move_between_runs(checkout: Checkout) -> None:
    here, there = checkout.root / "here.csv", checkout.root / "there.csv"
    here.write_text("1,2")
    checkout.repro("reproduce", *SMOKE, "--methods", "far", "--datasets", f"file:{here}")
    (first, *_) = checkout.trials()
    (first / "result.json").unlink()
    here.rename(there)
    shown = checkout.repro("reproduce", *SMOKE, "--methods", "far", "--datasets", f"file:{there}")
    assert shown.returncode == 0, shown.stdout
    assert read(first / "trial.json")["setting"]["dataset"] == f"file:{there}"
    assert "done" in checkout.repro("logs", "toy", first.name[:8], *SMOKE[1:]).stdout


def test_a_full_disk_is_one_line_and_the_store_stays_readable(done: Checkout) -> None:
    # A file size limit of nothing makes every write fail, as a full disk does.
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from repro.cli import main; main()"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program, "reproduce", *SMOKE, "--seeds", "4"],
        cwd=done.root,
        env={**os.environ, "PYTHONPATH": str(done.root), "KLAIM_CACHE": str(done.root / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 2, shown.stdout + shown.stderr
    assert shown.stderr.startswith("repro: cannot write ")
    assert len(shown.stderr.splitlines()) == 1
    assert "14 done" in done.repro("status", *SMOKE).stdout


def test_two_calls_at_once_run_each_trial_once(checkout: Checkout) -> None:
    calls = [checkout.start("reproduce", *SMOKE) for _ in range(2)]
    assert [call.wait(timeout=120) for call in calls] == [0, 0]
    assert len(finished(checkout, "smoke")) == 14
    assert all(len(attempts(folder)) == 1 for folder in checkout.trials())


def test_run_trial_runs_one_in_the_foreground(done: Checkout) -> None:
    checkout = done
    trial = checkout.trials()[0]
    shown = checkout.repro("run-trial", "toy", trial.name[:10], *SMOKE[1:])
    assert shown.returncode == 0, shown.stderr
    assert "error" in shown.stdout
    assert len(attempts(trial)) == 2
    assert checkout.repro("run-trial", "toy", "zzz", *SMOKE[1:]).returncode == 2


def test_an_artefact_is_built_once_and_its_change_makes_trials_stale(checkout: Checkout) -> None:
    checkout.edit_spec(lambda s: s["scales"]["smoke"]["task"].update(with_artifact=True))
    checkout.repro("reproduce", *SMOKE)
    (record,) = (checkout.results / "artifacts").rglob("artifact.json")
    assert read(record)["settings"] == {"value": 3}
    assert [a["reason"] for a in attempts(record.parent)] == ["done"]
    used = read(checkout.trials()[0] / "result.json")["fingerprint"]["artifacts"]
    assert list(used) == [f"tasks.toy.slow_square/{record.parent.name}"]
    source = checkout.root / "tasks" / "toy.py"
    source.write_text(source.read_text().replace("value**2", "value**3"))
    shown = checkout.repro("status", *SMOKE).stdout
    assert "14 stale" in shown
    assert "artefact tasks.toy.slow_square" in shown
    before = read(checkout.trials()[0] / "result.json")["metrics"]["error"]
    checkout.repro("reproduce", *SMOKE)
    assert [a["reason"] for a in attempts(record.parent)] == ["done", "done"]
    after = read(checkout.trials()[0] / "result.json")["metrics"]["error"]
    assert after - before == pytest.approx(27 - 9)


def test_list_shows_what_was_run(checkout: Checkout, first_run: tuple[Checkout, str]) -> None:
    assert "not run yet" in checkout.repro("list").stdout
    assert "supported" in first_run[0].repro("list").stdout.replace("\n", " ")
