"""Merging results from another machine: nothing of ours is lost, whatever happens in between."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from checkout import ROOT, Checkout, make_checkout, wait_until

from repro.errors import UserError
from repro.files import read_json, read_json_lines, write_json
from repro.merge import MergeSummary, merge, merge_text
from repro.trials.artifact import Artifact, build, directory_of, is_built
from repro.trials.heartbeat import this_process
from repro.trials.lock import try_claim
from repro.trials.store import TrialFolder, create, read_record
from repro.trials.trial import Setting, Trial

SETTING = Setting("tasks.t.T", {"steps": 2}, "plain", "plain", "near", "m.Near", {}, {}, True)


def trials_of(results: Path) -> Path:
    return results / "toy" / "smoke" / "trials"


def store(
    results: Path, seed: int, metrics: dict[str, float] | None, **changes: Any
) -> TrialFolder:
    """Write a trial below ``results``: finished with ``metrics``, failed without."""
    folder = create(Trial(SETTING, seed), trials_of(results))
    fingerprint = {"files": {"tasks/t.py": "a" * 64}, "environment": {"python": "3.11"}}
    attempt = {"job": "7", "host": results.name, "gpu": "", "pid": 1, "reason": "done"}
    attempt |= {"start": f"2026-01-0{seed + 1}", "end": "2026-01-09"}
    folder.attempts.write_text(json.dumps(attempt) + "\n")
    folder.curves.write_text('{"step": 0, "loss": 1.0}\n' * 3)
    folder.log.write_text(f"of {results.name}\n")
    (folder.path / "artifacts").mkdir(exist_ok=True)
    (folder.path / "artifacts" / "image.png").write_bytes(results.name.encode())
    if metrics is None:
        error = {"type": "E", "message": "no luck", "traceback": "", "fingerprint": fingerprint}
        write_json(folder.error, error | changes)
    else:
        cost = {"wall_seconds": 1.0, "device": results.name}
        result = {"metrics": metrics, "cost": cost, "fingerprint": fingerprint, "data": {}}
        write_json(folder.result, result | changes)
    return folder


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path / "here"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "there"


def merged(there: Path, here: Path, **options: Any) -> MergeSummary:
    return merge(there, here, **({"prefer": "ours", "dry_run": False} | options))


def actions(summary: MergeSummary) -> list[str]:
    return [outcome.action for outcome in summary.trials]


def state(results: Path, seed: int) -> str:
    trial = Trial(SETTING, seed)
    return read_record(trial, TrialFolder(trials_of(results) / trial.trial_id)).state


def value(results: Path, seed: int) -> float:
    trial = Trial(SETTING, seed)
    record = read_record(trial, TrialFolder(trials_of(results) / trial.trial_id))
    return record.metrics["error"]


def content(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_what_is_missing_comes_whole_and_a_second_merge_does_nothing(
    here: Path, there: Path
) -> None:
    folders = [store(there, seed, {"error": 0.1 * seed}) for seed in range(3)]
    summary = merged(there, here)
    assert actions(summary) == ["brought"] * 3
    for folder in folders:
        assert content(trials_of(here) / folder.path.name) == content(folder.path)
    before = content(here)
    again = merged(there, here)
    assert actions(again) == ["equal"] * 3
    assert content(here) == before
    assert "nothing brought; 3 trials here already" in merge_text(again)


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(here: Path, there: Path) -> None:
    store(there, 0, {"error": 0.1})
    summary = merged(there, here, dry_run=True)
    assert actions(summary) == ["brought"]
    assert "1 trial would be brought" in merge_text(summary)
    assert not here.exists()


def test_a_finished_one_fills_a_failed_and_a_lost_one(here: Path, there: Path) -> None:
    store(here, 0, None)
    lost = store(here, 1, None)
    lost.error.unlink()
    lost.checkpoint.write_bytes(b"half way")
    (lost.path / "artifacts" / "old.png").write_bytes(b"of the lost run")
    for seed in (0, 1):
        store(there, seed, {"error": 0.5})
    assert actions(merged(there, here)) == ["brought"] * 2
    for seed in (0, 1):
        assert value(here, seed) == 0.5
    for folder in trials_of(here).iterdir():
        assert not (folder / "error.json").exists()
        assert not (folder / "checkpoint.pickle").exists()
        assert not (folder / "artifacts" / "old.png").exists()
        assert (folder / "log.txt").read_text() == "of there\n"
        attempts = read_json_lines(folder / "attempts.jsonl")
        assert sorted(attempt["host"] for attempt in attempts) == ["here", "there"]


def test_a_failure_comes_where_nothing_is_and_replaces_nothing(here: Path, there: Path) -> None:
    store(here, 0, {"error": 0.1})
    store(there, 0, None)
    store(there, 1, None)
    summary = merged(there, here, prefer="theirs")
    assert sorted(actions(summary)) == ["brought", "kept"]
    assert (state(here, 0), state(here, 1)) == ("done", "failed")


def test_different_results_keep_ours_unless_theirs_are_preferred(here: Path, there: Path) -> None:
    store(here, 0, {"error": 0.1, "effort": 2.0})
    store(there, 0, {"error": 0.2, "effort": 2.0})
    before = content(here)
    kept = merged(there, here)
    assert actions(kept) == ["different"]
    assert "error is 0.1 here, 0.2 there" in merge_text(kept)
    assert "plain/near seed 0" in merge_text(kept)
    assert content(here) == before
    assert actions(merged(there, here, prefer="theirs")) == ["replaced"]
    assert value(here, 0) == 0.2
    (folder,) = trials_of(here).iterdir()
    assert (folder / "artifacts" / "image.png").read_bytes() == b"there"
    assert actions(merged(there, here, prefer="theirs")) == ["equal"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"fingerprint": {"files": {"tasks/t.py": "b" * 64}}}, "other code: tasks/t.py"),
        ({"data": {"table.csv": "c" * 64}}, "other data: table.csv"),
    ],
)
def test_equal_numbers_of_other_code_or_data_are_different(
    here: Path, there: Path, change: dict[str, Any], told: str
) -> None:
    store(here, 0, {"error": 0.1})
    store(there, 0, {"error": 0.1}, **change)
    summary = merged(there, here)
    assert actions(summary) == ["different"]
    assert told in merge_text(summary)


def test_diverging_twice_is_the_same_result(here: Path, there: Path) -> None:
    for results in (here, there):
        store(results, 0, {"error": math.nan})
    assert actions(merged(there, here)) == ["equal"]


def test_a_trial_under_anothers_name_is_refused(here: Path, there: Path) -> None:
    folder = store(there, 0, {"error": 0.1})
    folder.path.rename(folder.path.with_name("f" * 32))
    summary = merged(there, here)
    assert actions(summary) == ["refused"]
    assert summary.troubled
    assert f"toy/smoke/trials/{'f' * 32}: trial.json describes another trial" in merge_text(summary)
    assert list(trials_of(here).iterdir()) == []


def test_an_identity_that_its_own_settings_contradict_is_refused(here: Path, there: Path) -> None:
    folder = store(there, 0, {"error": 0.1})
    stored = read_json(folder.trial)
    assert stored is not None
    write_json(folder.trial, stored | {"seed": 5})
    assert actions(merged(there, here)) == ["refused"]
    assert list(trials_of(here).iterdir()) == []


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("result.json", b'{"metrics": {"err'),
        ("trial.json", b""),
        ("trial.json", None),
        ("attempts.jsonl", b"\xff\xfe"),
        ("metrics.jsonl", b"5\n"),
    ],
)
def test_damaged_files_are_named_and_left(
    here: Path, there: Path, name: str, damage: bytes | None
) -> None:
    folder = store(there, 0, {"error": 0.1})
    store(there, 1, {"error": 0.1})
    (folder.path / name).unlink()
    if damage is not None:
        (folder.path / name).write_bytes(damage)
    summary = merged(there, here)
    assert sorted(actions(summary)) == ["brought", "damaged"]
    assert name in merge_text(summary)
    assert state(here, 0) == "missing"


def test_links_are_refused(here: Path, there: Path, tmp_path: Path) -> None:
    folder = store(there, 0, {"error": 0.1})
    (tmp_path / "secret").write_text("not a result")
    (folder.path / "artifacts" / "link").symlink_to(tmp_path / "secret")
    assert actions(merged(there, here)) == ["refused"]
    assert list(trials_of(here).iterdir()) == []


def test_checkpoints_and_claims_do_not_travel(here: Path, there: Path) -> None:
    folder = store(there, 0, None)
    folder.checkpoint.write_bytes(b"a pickle runs code")
    dead = replace(this_process(), pid=2**22 + 1)
    write_json(folder.claim, asdict(dead))
    (folder.path / ".claim.guard").write_text("")
    assert actions(merged(there, here)) == ["brought"]
    names = {path.name for path in (trials_of(here) / folder.path.name).iterdir()}
    assert names == {
        "trial.json", "error.json", "attempts.jsonl", "metrics.jsonl", "log.txt", "artifacts"
    }  # fmt: skip


def test_what_runs_is_left_alone_on_both_sides(here: Path, there: Path) -> None:
    theirs, ours = store(there, 0, {"error": 0.1}), store(here, 1, None)
    store(there, 1, {"error": 0.1})
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    started = float(Path(f"/proc/{sleeper.pid}/stat").read_text().rpartition(")")[2].split()[19])
    running = asdict(replace(this_process(), pid=sleeper.pid, process_started=started))
    for folder in (theirs, ours):
        write_json(folder.claim, running)
    try:
        before = content(here)
        assert actions(merged(there, here)) == ["running", "running"]
        assert content(here) == before
    finally:
        sleeper.kill()
        sleeper.wait()
    assert actions(merged(there, here)) == ["brought", "brought"]


def test_a_claim_taken_while_the_copy_was_made_is_respected(
    here: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from repro.merge import trials

    store(there, 0, {"error": 0.1})
    ours = store(here, 0, None)
    monkeypatch.setattr(trials, "is_held", lambda *_: False)
    assert try_claim(ours.claim, ours.heartbeat)
    assert actions(merged(there, here)) == ["running"]
    assert state(here, 0) == "failed"
    assert ours.claim.exists()


def test_unfinished_trials_stay_there(here: Path, there: Path) -> None:
    create(Trial(SETTING, 0), trials_of(there))
    assert actions(merged(there, here)) == ["unfinished"]


PROGRAM = """
import os, sys
from pathlib import Path
from repro.merge import copying, merge
stops, calls = int(sys.argv[3]), 0
def step(path):
    global calls
    calls += 1
    if calls == stops:
        os.kill(os.getpid(), 9)
original = os.fsync
def counted(handle):
    step(handle)
    original(handle)
copying.os.fsync = counted
rename, replace = Path.rename, Path.replace
def renamed(self, target):
    step(self)
    return rename(self, target)
def replaced(self, target):
    step(self)
    return replace(self, target)
Path.rename, Path.replace = renamed, replaced
merge(Path(sys.argv[1]), Path(sys.argv[2]), prefer="theirs", dry_run=False)
print("ended", calls)
"""


def run_program(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_kill_at_any_moment_leaves_whole_trials_and_the_next_merge_ends_it(
    here: Path, there: Path, tmp_path: Path
) -> None:
    for seed in range(3):
        store(there, seed, {"error": 0.5})
    store(here, 0, None)
    store(here, 1, {"error": 0.1})
    shutil.copytree(here, tmp_path / "untouched")
    ended = run_program(PROGRAM, there, here, 10**9)
    steps = int(ended.stdout.split()[1])
    assert steps > 40
    expected = {path.name for path in trials_of(here).iterdir()}
    for stop in range(1, steps + 1, 5):
        shutil.rmtree(here)
        shutil.copytree(tmp_path / "untouched", here)
        killed = run_program(PROGRAM, there, here, stop)
        assert killed.returncode == -9, killed.stderr
        for seed in range(3):
            if state(here, seed) == "done":
                folder = trials_of(here) / Trial(SETTING, seed).trial_id
                origin = (folder / "log.txt").read_text().removeprefix("of ").strip()
                assert (folder / "artifacts" / "image.png").read_text() == origin
                assert value(here, seed) == {"here": 0.1, "there": 0.5}[origin]
        merged(there, here, prefer="theirs")
        assert [value(here, seed) for seed in range(3)] == [0.5] * 3
        assert {path.name for path in trials_of(here).iterdir()} == expected


FULL = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
from repro.errors import UserError
from repro.merge import merge
try:
    merge(Path(sys.argv[1]), Path(sys.argv[2]), prefer="theirs", dry_run=False)
except UserError as error:
    print(error)
"""


@pytest.mark.parametrize("ours", [None, {"error": 0.1}, "nothing"])
def test_a_full_disk_is_one_line_and_loses_nothing(
    here: Path, there: Path, ours: dict[str, float] | str | None
) -> None:
    small, large = sorted((Trial(SETTING, seed).trial_id, seed) for seed in (0, 1))
    for _, seed in (small, large):
        folder = store(there, seed, {"error": 0.5})
        if seed == large[1]:
            folder.curves.write_text('{"step": 0, "loss": 1.0}\n' * 200)
    if not isinstance(ours, str):
        store(here, large[1], ours)
    before = content(trials_of(here) / large[0])
    shown = run_program(FULL, there, here)
    assert shown.stdout.startswith("cannot write "), shown.stderr
    assert len(shown.stdout.splitlines()) == 1
    assert value(here, small[1]) == 0.5
    assert content(trials_of(here) / large[0]) == before
    assert not (trials_of(here) / ".merging").exists()
    assert actions(merged(there, here, prefer="theirs")).count("equal") == 1
    assert value(here, large[1]) == 0.5


def test_two_merges_at_once_bring_each_trial_once(here: Path, there: Path, tmp_path: Path) -> None:
    for seed in range(8):
        store(there, seed, {"error": 0.5})
    program = (
        "import sys; from pathlib import Path; from repro.merge import merge;"
        "s = merge(Path(sys.argv[1]), Path(sys.argv[2]), prefer='ours', dry_run=False);"
        "print(*(outcome.action for outcome in s.trials))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, str(there), str(here)]
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = sorted(process.communicate(timeout=60)[0].split() for process in both)
    assert said == [["brought"] * 8, ["equal"] * 8]
    assert sorted(path.name for path in here.iterdir()) == ["toy"]
    for seed in range(8):
        assert value(here, seed) == 0.5


def make_square(directory: Path, *, side: int) -> None:
    """An artefact."""
    (directory / "square.txt").write_text(str(side**2))
    (directory / ".hidden").write_text("part of the content")


def test_artefacts_come_and_count_as_built(here: Path, there: Path) -> None:
    artifact = Artifact(make_square, {"side": 3})
    build(artifact, there / "artifacts")
    summary = merged(there, here)
    assert [outcome.action for outcome in summary.artifacts] == ["brought"]
    assert is_built(artifact, here / "artifacts")
    brought = directory_of(artifact, here / "artifacts") / "content"
    assert {path.name for path in brought.iterdir()} == {"square.txt", ".hidden"}
    assert [outcome.action for outcome in merged(there, here).artifacts] == ["equal"]


def test_an_artefact_of_other_code_is_kept_unless_theirs_is_preferred(
    here: Path, there: Path
) -> None:
    artifact = Artifact(make_square, {"side": 3})
    for results in (here, there):
        build(artifact, results / "artifacts")
    record = directory_of(artifact, there / "artifacts") / "artifact.json"
    write_json(record, {**(read_json(record) or {}), "code": "other"})
    (record.parent / "content" / "square.txt").write_text("10")
    ours = directory_of(artifact, here / "artifacts") / "content" / "square.txt"
    assert [outcome.action for outcome in merged(there, here).artifacts] == ["different"]
    assert ours.read_text() == "9"
    preferred = merged(there, here, prefer="theirs")
    assert [outcome.action for outcome in preferred.artifacts] == ["replaced"]
    assert ours.read_text() == "10"


def test_an_artefact_that_is_being_built_is_left_alone(here: Path, there: Path) -> None:
    artifact = Artifact(make_square, {"side": 3})
    build(artifact, there / "artifacts")
    ours = directory_of(artifact, here / "artifacts")
    ours.parent.mkdir(parents=True)
    assert try_claim(ours.with_suffix(".claim"))
    assert [outcome.action for outcome in merged(there, here).artifacts] == ["running"]
    assert not ours.exists()


def test_an_artefact_with_other_settings_than_its_name_is_refused(here: Path, there: Path) -> None:
    artifact = Artifact(make_square, {"side": 3})
    build(artifact, there / "artifacts")
    record = directory_of(artifact, there / "artifacts") / "artifact.json"
    write_json(record, {**(read_json(record) or {}), "settings": {"side": 4}})
    assert [outcome.action for outcome in merged(there, here).artifacts] == ["refused"]


def test_seals_are_joined_in_order_and_a_second_stage_comes(here: Path, there: Path) -> None:
    store(there, 0, {"error": 0.1})
    base, ours = there / "toy" / "smoke", here / "toy" / "smoke"
    ours.mkdir(parents=True)
    lines = [{"time": f"2026-01-0{day}", "parts": {}, "finished": 0} for day in (1, 2, 3)]
    (base / "seal.jsonl").write_text(json.dumps(lines[1]) + "\n" + json.dumps(lines[2]) + "\n")
    (ours / "seal.jsonl").write_text(json.dumps(lines[0]) + "\n" + json.dumps(lines[2]) + "\n")
    write_json(base / "second-stage.json", {"seeds": 4})
    summary = merged(there, here)
    assert [outcome.action for outcome in summary.run_files] == ["brought", "brought"]
    assert read_json_lines(ours / "seal.jsonl") == lines
    assert read_json(ours / "second-stage.json") == {"seeds": 4}
    write_json(base / "second-stage.json", {"seeds": 9})
    summary = merged(there, here)
    assert [outcome.action for outcome in summary.run_files] == ["equal", "different"]
    assert read_json(ours / "second-stage.json") == {"seeds": 4}


def test_a_source_that_is_none_is_the_users_mistake(here: Path, there: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        merged(there, here)
    there.mkdir()
    with pytest.raises(UserError, match="name the results folder"):
        merged(there, here)
    (there / "archive.tar").write_text("")
    with pytest.raises(UserError, match="unpack it"):
        merged(there / "archive.tar", here)
    store(here, 0, {"error": 0.1})
    with pytest.raises(UserError, match="the results folder itself"):
        merged(here, here)


def test_another_merge_is_waited_for(here: Path, there: Path) -> None:
    store(there, 0, {"error": 0.5})
    here.mkdir()
    other = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from repro.trials.lock import try_claim;"
            "try_claim(Path(sys.argv[1])); time.sleep(1.0)",
            str(here / "merge.claim"),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    wait_until((here / "merge.claim").exists)
    began = time.monotonic()
    assert actions(merged(there, here)) == ["brought"]
    assert other.wait(timeout=10) == 0
    assert time.monotonic() - began > 0.2


def merge_into(checkout: Checkout, source: Path) -> subprocess.CompletedProcess[str]:
    program = (
        "import sys; from pathlib import Path; from repro.merge import merge, merge_text;"
        "print(merge_text(merge(Path(sys.argv[1]), Path('results'), prefer='ours', dry_run=False)))"
    )
    return subprocess.run(
        [sys.executable, "-c", program, str(source)],
        cwd=checkout.root,
        env={**os.environ, "PYTHONPATH": str(checkout.root)},
        capture_output=True,
        text=True,
        check=True,
    )


SMOKE = ("toy", "--scale", "smoke")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose smoke trials are done. Look, do not touch."""
    checkout = make_checkout(tmp_path_factory.mktemp("cluster") / "checkout")

    def slow(spec: dict[str, Any]) -> None:
        spec["scales"]["smoke"]["task"] = {"steps": 4, "step_seconds": 0.1}

    checkout.edit_spec(slow)
    assert checkout.repro("reproduce", *SMOKE).returncode == 0
    return checkout


@pytest.fixture
def laptop(cluster: Checkout, tmp_path: Path) -> Checkout:
    """The same checkout without results."""
    ignore = shutil.ignore_patterns("results")
    shutil.copytree(cluster.root, tmp_path / "laptop", ignore=ignore)
    return Checkout(tmp_path / "laptop")


def test_after_a_merge_there_is_nothing_left_to_run(cluster: Checkout, laptop: Checkout) -> None:
    shutil.copytree(cluster.results, laptop.results)
    for folder in laptop.trials()[5:]:
        shutil.rmtree(folder)
    shown = merge_into(laptop, cluster.results).stdout
    assert "results: 9 trials brought; 5 trials, 1 record of the run here already, with" in shown
    assert "Nothing to run." in laptop.repro("plan", *SMOKE).stdout


def test_a_merge_while_the_same_trials_run_disturbs_nothing(
    cluster: Checkout, laptop: Checkout
) -> None:
    running = laptop.start("reproduce", *SMOKE)
    while running.poll() is None:
        merge_into(laptop, cluster.results)
    assert running.returncode == 0, running.communicate()
    assert [path.name for path in laptop.trials()] == [path.name for path in cluster.trials()]
    for ours, theirs in zip(laptop.trials(), cluster.trials(), strict=True):
        both = [read_json(folder / "result.json") or {} for folder in (ours, theirs)]
        assert both[0]["metrics"] == both[1]["metrics"]
        assert len(read_json_lines(ours / "metrics.jsonl")) == 4
        assert not (ours / "claim").exists()
