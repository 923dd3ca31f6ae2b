"""Claims, heartbeats, atomic files, shared artefacts, data files: what several processes touch."""

from __future__ import annotations

import errno
import functools
import json
import multiprocessing
import os
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from repro import files
from repro.context import RunContext
from repro.data import DataFile, find, locate
from repro.errors import UserError
from repro.files import read_json, read_json_lines, sha256_of_file, write_json, write_text
from repro.trials.artifact import RESUME_FILE, Artifact, build, directory_of, is_built
from repro.trials.attempts import finish_attempt, read_attempts, start_attempt
from repro.trials.heartbeat import Beat, Heartbeat, read_beat, this_process
from repro.trials.lock import release, try_claim

FORK = multiprocessing.get_context("fork")


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "result.json"
    write_json(target, {"kept": True})

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match="the disk is full"):
        write_json(target, {"kept": False})
    assert read_json(target) == {"kept": True}
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_a_line_cut_short_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 0}\n{"step": 1}\n{"st')
    assert read_json_lines(tmp_path / "metrics.jsonl") == [{"step": 0}, {"step": 1}]


def test_a_claim_belongs_to_one_and_is_void_when_its_owner_dies(tmp_path: Path) -> None:
    claim = tmp_path / "claim"
    owner = FORK.Process(target=lambda: (try_claim(claim), time.sleep(60)))
    owner.start()
    while not claim.exists():
        time.sleep(0.01)
    assert not try_claim(claim)
    owner.kill()
    owner.join()
    assert try_claim(claim)
    assert not try_claim(claim)
    release(claim)
    assert try_claim(claim)


def test_a_claim_of_the_dead_is_their_parents_until_it_has_heard_of_their_end(
    tmp_path: Path,
) -> None:
    """Else another worker takes the trial over, and says of the attempt that nobody knows why."""
    claim, beat = tmp_path / "claim", tmp_path / "heartbeat.json"
    died, may_reap = FORK.Event(), FORK.Event()
    taken = FORK.Queue()

    def parent() -> None:
        child = FORK.Process(target=lambda: (try_claim(claim, beat), os._exit(1)))
        child.start()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        died.set()
        may_reap.wait()
        taken.put(try_claim(claim, beat))
        release(claim)
        child.join()

    worker = FORK.Process(target=parent)
    worker.start()
    died.wait()
    try:
        assert not try_claim(claim, beat)
    finally:
        may_reap.set()
    assert taken.get()
    worker.join()
    assert try_claim(claim, beat)


def test_of_many_claimants_one_wins(tmp_path: Path) -> None:
    """Over many rounds: a claim that is just taken over must not be taken for the dead one."""
    rounds, contestants = 300, 3
    claims = [tmp_path / f"claim{i}" for i in range(rounds)]
    for claim in claims:
        write_json(claim, {**this_process().__dict__, "pid": 2**22 + 1}, durable=False)
    barrier, wins = FORK.Barrier(contestants), FORK.Queue()

    def contend() -> None:
        won = []
        for claim in claims:
            barrier.wait()
            won.append(try_claim(claim))
        wins.put(won)
        barrier.wait()

    contenders = [FORK.Process(target=contend) for _ in range(contestants)]
    for contender in contenders:
        contender.start()
    tallies = [wins.get(timeout=60) for _ in contenders]
    for contender in contenders:
        contender.join()
    assert [sum(won) for won in zip(*tallies, strict=True)] == [1] * rounds


def test_only_the_owner_releases_a_claim(tmp_path: Path) -> None:
    claim = tmp_path / "claim"
    write_json(claim, {**this_process().__dict__, "pid": os.getppid()})
    release(claim)
    assert claim.exists()


def test_an_owner_on_another_host_is_known_by_its_heartbeat(tmp_path: Path) -> None:
    claim, beat = tmp_path / "claim", tmp_path / "heartbeat.json"
    owner = {**this_process().__dict__, "host": "elsewhere", "time": time.time() - 1000}
    write_json(claim, owner)
    write_json(beat, {**owner, "time": time.time() - 5})
    assert not try_claim(claim, beat)
    write_json(beat, owner)
    assert try_claim(claim, beat)


def test_a_beat_of_another_host_counts_by_its_age() -> None:
    young = Beat("elsewhere", 1, 0.0, time.time() - 10)
    old = Beat("elsewhere", 1, 0.0, time.time() - 1000)
    assert young.is_alive()
    assert not old.is_alive()


def test_a_reused_process_number_is_not_alive() -> None:
    mine = this_process()
    assert mine.is_alive()
    assert not Beat(mine.host, mine.pid, mine.process_started - 1, mine.time).is_alive()


def test_a_heartbeat_carries_progress(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path / "heartbeat.json")
    heartbeat.progress(3, 10)
    heartbeat.start()
    beat = read_beat(tmp_path / "heartbeat.json")
    assert beat is not None
    assert (beat.done, beat.total, beat.pid) == (3, 10, os.getpid())
    heartbeat.stop()
    assert not (tmp_path / "heartbeat.json").exists()


def test_an_open_attempt_is_closed_as_lost_by_the_next(tmp_path: Path) -> None:
    log = tmp_path / "attempts.jsonl"
    start_attempt(log)
    start_attempt(log)
    finish_attempt(log, "done")
    first, second = read_attempts(log)
    assert first["reason"].startswith("lost")
    assert second["reason"] == "done"
    assert second["end"] >= second["start"]


def count_builds(directory: Path, *, journal: str, seconds: float = 0.0) -> None:
    """A builder that leaves a line in a journal for each time it runs."""
    with Path(journal).open("a") as stream:
        stream.write("built\n")
    time.sleep(seconds)
    (directory / "value.txt").write_text("42")


def fail(directory: Path) -> None:
    """A builder that writes something and fails."""
    (directory / "value.txt").write_text("half")
    raise RuntimeError("no luck")


def test_two_processes_build_an_artefact_once(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"journal": str(tmp_path / "journal"), "seconds": 0.4}
    artifact = Artifact(count_builds, settings)
    builders = [FORK.Process(target=build, args=(artifact, tmp_path / "shared")) for _ in range(4)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert all(builder.exitcode == 0 for builder in builders)
    assert (tmp_path / "journal").read_text() == "built\n"
    assert (build(artifact, tmp_path / "shared") / "value.txt").read_text() == "42"
    other = Artifact(count_builds, {**settings, "seconds": 0.0})
    assert build(other, tmp_path / "shared") != build(artifact, tmp_path / "shared")


def test_an_artefact_killed_half_way_is_built_anew(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"journal": str(tmp_path / "journal"), "seconds": 60.0}
    artifact = Artifact(count_builds, settings)
    builder = FORK.Process(target=build, args=(artifact, tmp_path / "shared"))
    builder.start()
    while not (tmp_path / "journal").exists():
        time.sleep(0.01)
    builder.kill()
    builder.join()
    assert not is_built(artifact, tmp_path / "shared")
    settings["seconds"] = 0.0
    content = build(artifact, tmp_path / "shared")
    assert (content / "value.txt").read_text() == "42"


def half(directory: Path, *, journal: str, resumes: bool) -> None:
    """Fail at the first start; note what is in the directory at each."""
    found = sorted(path.name for path in directory.iterdir())
    with Path(journal).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(found) + "\n")
    if not Path(journal).with_suffix(".done").exists():
        (directory / "part.txt").write_text("1", encoding="utf-8")
        if resumes:
            (directory / RESUME_FILE).write_text("1", encoding="utf-8")
        Path(journal).with_suffix(".done").touch()
        raise InterruptedError
    (directory / "value.txt").write_text("42", encoding="utf-8")


@pytest.mark.parametrize("resumes", [True, False])
def test_only_a_builder_that_says_so_finds_what_it_left(tmp_path: Path, resumes: bool) -> None:
    journal = tmp_path / "journal"
    artifact = Artifact(half, {"journal": str(journal), "resumes": resumes})
    with pytest.raises(InterruptedError):
        build(artifact, tmp_path / "shared")
    content = build(artifact, tmp_path / "shared")
    expected = ["part.txt", RESUME_FILE] if resumes else []
    assert [json.loads(line) for line in journal.read_text().splitlines()] == [[], expected]
    assert sorted(path.name for path in content.iterdir()) == (
        ["part.txt", "value.txt"] if resumes else ["value.txt"]
    )


def test_what_other_code_left_is_not_gone_on_from(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    artifact = Artifact(half, {"journal": str(journal), "resumes": True})
    with pytest.raises(InterruptedError):
        build(artifact, tmp_path)
    write_json(directory_of(artifact, tmp_path) / "begun.json", {"code": "another"})
    build(artifact, tmp_path)
    assert [json.loads(line) for line in journal.read_text().splitlines()] == [[], []]


def test_a_failed_artefact_says_why_and_does_not_look_built(tmp_path: Path) -> None:
    artifact = Artifact(fail)
    with pytest.raises(RuntimeError, match="no luck"):
        build(artifact, tmp_path)
    assert not is_built(artifact, tmp_path)
    attempts = read_attempts(directory_of(artifact, tmp_path) / "attempts.jsonl")
    assert attempts[0]["reason"] == "exception: RuntimeError: no luck"


def test_a_changed_builder_builds_again(tmp_path: Path) -> None:
    artifact = Artifact(count_builds, {"journal": str(tmp_path / "journal")})
    build(artifact, tmp_path)
    record = directory_of(artifact, tmp_path) / "artifact.json"
    write_json(record, {**json.loads(record.read_text()), "code": "older"})
    assert not is_built(artifact, tmp_path)
    build(artifact, tmp_path)
    assert (tmp_path / "journal").read_text() == "built\n" * 2


def test_the_context_records_the_artefacts_it_used(tmp_path: Path) -> None:
    context = RunContext("t.T", "d", 0, tmp_path)
    folder = context.artifact(count_builds, journal=str(tmp_path / "journal"))
    assert (folder / "value.txt").exists()
    (name,) = context.artifacts_used
    assert "count_builds" in name


def test_a_checkpoint_comes_back_with_its_curve(tmp_path: Path) -> None:
    context = RunContext("t.T", "d", 0, tmp_path)
    assert context.restore() is None
    context.log(0, loss=1.0)
    context.checkpoint({"weights": [1, 2]}, 1)
    context.log(1, loss=0.5)
    again = RunContext("t.T", "d", 0, tmp_path)
    assert again.restore() == {"weights": [1, 2]}
    assert again.resumed_from == 1
    assert read_json_lines(tmp_path / "metrics.jsonl") == [{"step": 0, "loss": 1.0}]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data" / "deep"
    folder.mkdir(parents=True)
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KLAIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OFFLINE", "1")
    return folder


def test_data_is_found_by_name_and_hash(data: Path) -> None:
    (data / "table.csv").write_text("1,2")
    (data.parent / "table.csv").write_text("another file of this name")
    digest = sha256_of_file(data / "table.csv")
    file = DataFile("table.csv", ("http://127.0.0.1:9/",), digest, "CC0")
    assert locate(file) == data / "table.csv"
    context = RunContext("t.T", "d", 0, data.parent)
    context.data(file)
    assert context.data_hashes == {"table.csv": digest}


def test_a_damaged_download_is_named(data: Path, tmp_path: Path) -> None:
    file = DataFile("t.csv", ("http://127.0.0.1:9/",), "ab" * 32, "CC0")
    cached = tmp_path / "cache" / "data" / ("ab" * 8) / "t.csv"
    cached.parent.mkdir(parents=True)
    write_text(cached, "half")
    with pytest.raises(UserError, match="damaged"):
        find(file)


def test_a_download_is_verified_and_kept(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    (served / "far.csv").write_text("1,2\n")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(served))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OFFLINE", "")
    dead = "http://127.0.0.1:9/far.csv"
    alive = f"http://127.0.0.1:{server.server_port}/far.csv"
    file = DataFile("far.csv", (dead, alive), sha256_of_file(served / "far.csv"), "CC0")
    try:
        fetched = locate(file)
        with pytest.raises(UserError, match=r"cannot download far\.csv"):
            locate(DataFile("far.csv", (alive,), "0" * 64, "CC0"))
    finally:
        server.shutdown()
    assert fetched.read_text() == "1,2\n"
    assert locate(file) == fetched
