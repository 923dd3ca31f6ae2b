"""Workers on this machine: each with its own GPU, and ended for good by `cancel`."""

from __future__ import annotations

import itertools
import json
from typing import Any

from checkout import Checkout, wait_until

SMOKE = ("toy", "--scale", "smoke")


def make_slow(checkout: Checkout, *, gpus: int = 0, seeds: int = 4, steps: int = 10) -> None:
    """Two methods on one data set, in steps of a tenth of a second."""

    def change(spec: dict[str, Any]) -> None:
        spec["methods"]["near"]["params"] = {}
        task = {"steps": steps, "step_seconds": 0.1}
        spec["scales"]["smoke"] = {"datasets": ["plain"], "seeds": seeds, "task": task}
        spec["scales"]["smoke"]["resources"] = {"gpus": gpus, "hours": 0.001}

    checkout.edit_spec(change)


def attempts_of(checkout: Checkout) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in checkout.results.rglob("attempts.jsonl")
        for line in path.read_text().splitlines()
    ]


def test_two_calls_at_once_never_put_two_trials_on_one_gpu(checkout: Checkout) -> None:
    make_slow(checkout, gpus=1, seeds=3, steps=5)
    runs = [checkout.start("reproduce", *SMOKE, CUDA_VISIBLE_DEVICES="3,5") for _ in range(2)]
    for run in runs:
        shown, complaint = run.communicate(timeout=180)
        assert run.returncode == 0, shown + complaint
    attempts = attempts_of(checkout)
    assert [attempt["reason"] for attempt in attempts] == ["done"] * 6
    assert {attempt["gpu"] for attempt in attempts} == {"3", "5"}
    for gpu in ("3", "5"):
        mine = sorted((a for a in attempts if a["gpu"] == gpu), key=lambda a: str(a["start"]))
        for earlier, later in itertools.pairwise(mine):
            assert earlier["end"] <= later["start"], "two trials shared a GPU"


def test_cancel_ends_local_workers_for_good(checkout: Checkout) -> None:
    make_slow(checkout, steps=30)
    run = checkout.start("reproduce", *SMOKE, "--jobs", "2")
    wait_until(lambda: any(checkout.results.rglob("checkpoint.pickle")), 60)
    shown = checkout.repro("cancel", *SMOKE).stdout
    assert "2 local workers" in shown
    told, complaint = run.communicate(timeout=60)
    assert run.returncode == 1, complaint
    assert "8 trials were cancelled." in told
    begun = {a["start"] for a in attempts_of(checkout)}
    assert len(begun) == 2
    # The next call goes on from the checkpoints.
    make_slow(checkout, steps=30, seeds=1)
    again = checkout.repro("reproduce", *SMOKE, "--jobs", "2")
    assert again.returncode == 0, again.stderr
    resumed = [
        json.loads(p.read_text())["resumed_from"] for p in checkout.results.rglob("result.json")
    ]
    assert any(resumed)


def test_what_is_cancelled_while_it_tunes_begins_no_table(checkout: Checkout) -> None:
    make_slow(checkout, seeds=1, steps=30)

    def tune(spec: dict[str, Any]) -> None:
        near = {"use": "methods.toy.Near", "role": "method", "label": "Untuned", "params": {}}
        spec["methods"]["untuned"] = near
        space = {"near": {"bias": [0.1, 0.2]}, "far": {"bias": [0.7, 0.3]}, "untuned": {}}
        select = {"metric": "validation_error"}
        spec["tuning"] = {"budget": 2, "seeds": [1000], "select": select, "space": space}

    checkout.edit_spec(tune)
    run = checkout.start("reproduce", *SMOKE, "--jobs", "2")
    wait_until(lambda: any(checkout.results.rglob("checkpoint.pickle")), 60)
    checkout.repro("cancel", *SMOKE)
    told, complaint = run.communicate(timeout=60)
    assert run.returncode == 1, told + complaint
    assert "trials were cancelled." in told
    begun = [path.with_name("trial.json") for path in checkout.results.rglob("attempts.jsonl")]
    assert {json.loads(path.read_text())["seed"] for path in begun} == {1000}
