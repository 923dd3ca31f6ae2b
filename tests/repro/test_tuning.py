"""Tuning: what is tried, what is chosen, what the ledger says, and that it is fair."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from checkout import Checkout, make_checkout
from hypothesis import given
from hypothesis import strategies as st

from repro.planning.tuning import (
    Tried,
    TuningRules,
    configurations,
    ledger_entry,
    tried_from,
)
from repro.trials.store import TrialFolder, TrialRecord
from repro.trials.trial import Setting, Trial

RANGE = {"low": 0.001, "high": 0.1, "log": True}


def rules(space: dict[str, Any], **changes: Any) -> TuningRules:
    base = TuningRules(
        budget=6,
        search="random",
        seeds=(1000, 1001),
        metric="error",
        split="validation",
        better="lower",
        task={},
        space=space,
    )
    return replace(base, **changes)


def tried(score: float | None, state: str = "done", **params: Any) -> Tried:
    return Tried(params, score, state, 2.0, ("t",))


def test_methods_that_share_a_parameter_try_the_same_values_of_it() -> None:
    space = {"a": {"rate": RANGE}, "b": {"rate": RANGE, "beta": {"low": 0.0, "high": 1.0}}}
    ours, theirs = (configurations(rules(space), method) for method in "ab")
    assert [one["rate"] for one in ours] == [one["rate"] for one in theirs]
    assert len({one["rate"] for one in ours}) == 6


@given(st.integers(1, 40))
def test_a_random_search_takes_one_value_from_each_part_of_a_range(budget: int) -> None:
    found = configurations(rules({"a": {"rate": RANGE}}, budget=budget), "a")
    places = sorted((math.log10(one["rate"]) + 3) / 2 for one in found)
    assert len(places) == budget
    for part, place in enumerate(places):
        # Values are rounded to three digits, so that one may touch the next part.
        assert part / budget - 0.01 <= place <= (part + 1) / budget + 0.01


def test_the_order_of_two_parameters_differs() -> None:
    space = {"a": {"rate": RANGE, "beta": RANGE}}
    found = configurations(rules(space, budget=8), "a")
    by_rate = sorted(found, key=lambda one: one["rate"])
    assert [one["beta"] for one in by_rate] != sorted(one["beta"] for one in found)


def test_whole_numbers_and_lists_stay_what_they_are() -> None:
    space = {"a": {"width": {"low": 8, "high": 64}, "kind": ["x", "y"]}}
    found = configurations(rules(space), "a")
    assert all(isinstance(one["width"], int) and 8 <= one["width"] <= 64 for one in found)
    assert {one["kind"] for one in found} == {"x", "y"}


def test_a_grid_is_the_product() -> None:
    space = {"a": {"beta": [0, 1], "rate": [0.1, 0.2]}}
    found = configurations(rules(space, search="grid"), "a")
    assert found == [
        {"beta": 0, "rate": 0.1},
        {"beta": 0, "rate": 0.2},
        {"beta": 1, "rate": 0.1},
        {"beta": 1, "rate": 0.2},
    ]


@pytest.mark.parametrize(("better", "chosen"), [("lower", 1), ("higher", 3)])
def test_the_best_score_is_chosen(better: str, chosen: int) -> None:
    given = [tried(0.5, beta=2), tried(0.1, beta=1), tried(0.9, beta=3), tried(0.9, beta=4)]
    entry = ledger_entry(rules({"a": {"beta": [1]}}, better=better), "d", "a", given)
    assert entry.chosen == {"beta": chosen}
    assert entry.hours == pytest.approx(8.0 / 3600)


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_a_diverged_configuration_is_the_worst(better: str) -> None:
    for bad in (math.nan, math.inf, -math.inf):
        given = [tried(bad, "diverged", beta=1), tried(0.5, beta=2)]
        entry = ledger_entry(rules({"a": {"beta": [1]}}, better=better), "d", "a", given)
        assert entry.chosen == {"beta": 2}


def test_nothing_is_chosen_while_a_trial_is_outstanding_nor_where_all_failed() -> None:
    space = rules({"a": {"beta": [1, 2]}})
    waiting = [tried(0.5, beta=1), tried(None, "waiting", beta=2)]
    assert ledger_entry(space, "d", "a", waiting).chosen is None
    failed = [tried(None, "failed", beta=1), tried(None, "failed", beta=2)]
    assert ledger_entry(space, "d", "a", failed).chosen is None
    one_failed = [tried(None, "failed", beta=1), tried(9.0, beta=2)]
    assert ledger_entry(space, "d", "a", one_failed).chosen == {"beta": 2}


def test_a_value_at_the_edge_is_flagged() -> None:
    given = [tried(1.0 / beta, beta=beta, rate=1.0 + beta % 3) for beta in (1, 2, 3, 4)]
    entry = ledger_entry(rules({"a": {"beta": [1], "rate": RANGE}}), "d", "a", given)
    assert entry.chosen == {"beta": 4, "rate": 2.0}
    assert entry.at_edge == ("beta",)


def test_a_smaller_space_and_none_are_said() -> None:
    small = ledger_entry(rules({"a": {"beta": [1]}}), "d", "a", [tried(1.0, beta=1)])
    assert "fewer than the budget" in small.note
    nothing = ledger_entry(rules({"a": {}}), "d", "a", [])
    assert nothing.chosen == {}
    assert nothing.note == "nothing to tune"


def test_a_score_is_the_mean_over_the_seeds(tmp_path: Path) -> None:
    setting = Setting("t", {}, "d", "d", "a", "u", {}, {}, in_table=False)
    folder = TrialFolder(tmp_path)

    def record(seed: int, state: Any, value: float) -> TrialRecord:
        metrics = {} if state == "failed" else {"error": value}
        return TrialRecord(Trial(setting, seed), folder, state, metrics, {"wall_seconds": 1.5})

    both = tried_from({}, [record(0, "done", 1.0), record(1, "stale", 3.0)], "error")
    assert (both.score, both.state, both.seconds) == (2.0, "done", 3.0)
    bad = tried_from({}, [record(0, "done", 1.0), record(1, "done", math.nan)], "error")
    assert bad.state == "diverged"
    assert tried_from({}, [record(0, "failed", 1.0)], "error").state == "failed"
    assert tried_from({}, [record(0, "done", 1.0)], "other").state == "not measured"
    assert both.stale == 1


def test_stale_trials_and_a_method_that_always_diverges_are_noted() -> None:
    stale = replace(tried(1.0, beta=1), stale=2)
    entry = ledger_entry(rules({"a": {"beta": [1]}}, budget=1), "d", "a", [stale])
    assert "2 of its tuning trials are stale" in entry.note
    lost = [tried(math.nan, "diverged", beta=1), tried(math.nan, "diverged", beta=2)]
    entry = ledger_entry(rules({"a": {"beta": [1, 2]}}, budget=2), "d", "a", lost)
    assert entry.chosen == {"beta": 1}
    assert "every configuration diverged" in entry.note


def test_nothing_is_chosen_by_a_metric_that_no_trial_measured() -> None:
    unmeasured = [tried(None, "not measured", beta=1), tried(None, "not measured", beta=2)]
    assert ledger_entry(rules({"a": {"beta": [1, 2]}}), "d", "a", unmeasured).chosen is None


def test_an_edge_is_judged_by_what_finished() -> None:
    given = [tried(0.5, beta=2), tried(None, "failed", beta=1), tried(0.9, beta=3)]
    entry = ledger_entry(rules({"a": {"beta": [1, 2, 3]}}), "d", "a", given)
    assert entry.chosen == {"beta": 2}
    assert entry.at_edge == ("beta",)


# Whole runs, on the toy paper ------------------------------------------------------------------


def tuned(checkout: Checkout, **changes: Any) -> Checkout:
    def change(spec: dict[str, Any]) -> None:
        spec["methods"]["near"]["params"] = {"bias": {"sweep": [0.1, 0.2]}}
        spec["tuning"] = {
            "budget": 3,
            "seeds": [1000, 1001],
            "select": {"metric": "validation_error"},
            "task": {"steps": 1},
            "space": {"near": {"bias": {"low": 0.1, "high": 0.4}}, "far": {"bias": [0.7, 0.3]}},
        } | changes

    checkout.edit_spec(change)
    return checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return make_checkout(tmp_path)


def test_a_run_tunes_first_and_the_table_takes_what_was_chosen(checkout: Checkout) -> None:
    tuned(checkout)
    planned = checkout.repro("plan", "toy", "--scale", "smoke")
    assert planned.returncode == 0, planned.stderr
    # Three configurations of near, two of far, two seeds, two data sets.
    assert "Tuning before them: 20 trials" in planned.stdout
    assert "16 missing" in planned.stdout
    ran = checkout.repro("reproduce", "toy", "--scale", "smoke")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    trials = [json.loads((path / "trial.json").read_text()) for path in checkout.trials()]
    tuning = [trial for trial in trials if trial["seed"] >= 1000]
    assert len(tuning) == 20
    assert all(trial["setting"]["task_settings"] == {"steps": 1} for trial in tuning)
    table = [t["setting"] for t in trials if t["seed"] < 1000 and t["setting"]["in_table"]]
    assert {s["params"]["bias"] for s in table if s["method"] == "far"} == {0.3}
    near = {s["params"]["bias"] for s in table if s["method"] == "near"}
    assert near == {min(t["setting"]["params"]["bias"] for t in tuning)}
    again = checkout.repro("reproduce", "toy", "--scale", "smoke")
    assert "Nothing to run." in again.stdout


def test_a_killed_tuning_goes_on_where_it_was(checkout: Checkout) -> None:
    tuned(checkout)
    checkout.repro("reproduce", "toy", "--scale", "smoke")
    lost = next(
        path
        for path in checkout.trials()
        if json.loads((path / "trial.json").read_text())["seed"] >= 1000
    )
    (lost / "result.json").unlink()
    before = {
        path: path.stat().st_mtime_ns for path in checkout.trials() for path in path.iterdir()
    }
    planned = checkout.repro("plan", "toy", "--scale", "smoke")
    assert "waiting" not in planned.stderr
    ran = checkout.repro("reproduce", "toy", "--scale", "smoke")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    changed = {
        path.parent
        for path, time in before.items()
        if path.exists() and path.stat().st_mtime_ns > time
    }
    assert changed == {lost}


def test_where_every_configuration_failed_the_table_waits_and_says_so(checkout: Checkout) -> None:
    tuned(checkout)
    checkout.edit_spec(lambda spec: spec["methods"]["far"].update(params={"ending": "raise"}))
    ran = checkout.repro("reproduce", "toy", "--scale", "smoke")
    assert ran.returncode == 1
    assert "the rival gives up" in ran.stdout
    assert "8 failed" in ran.stdout
    assert "6 missing" in ran.stdout
    assert "Undecided" in (checkout.results / "toy/smoke/report/table.md").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": [3]}, "tuning.seeds: 3 may become a seed of the table: give seeds from 23"),
        ({"budget": 0}, "tuning.budget: must be at least 1, is 0"),
        ({"space": {"near": {}}}, "tuning.space: lacks 'far': every method is tuned alike"),
        ({"select": {"metric": "eror"}}, "unknown metric 'eror'; did you mean 'error'?"),
        ({"select": {"metric": "error"}}, "the table or a claim is judged by 'error'"),
        ({"select": {"metric": "effort"}}, "'effort' has better: neither"),
        (
            {"select": {"metric": "validation_error", "split": "test"}},
            "tuning.select.split: must be validation, is 'test'",
        ),
        (
            {"space": {"near": {"bias": {"low": 0, "high": 1, "log": True}}, "far": {}}},
            "a logarithmic range starts above 0",
        ),
        (
            {"space": {"near": {"bais": [0.1]}, "far": {}}},
            "Near takes no such parameter; did you mean 'bias'?",
        ),
        (
            {"search": "grid", "space": {"near": {"bias": [0.1, 0.2, 0.3, 0.4]}, "far": {}}},
            "its grid at scale smoke has 4 configurations, more than the budget 3",
        ),
        ({"task": {"stpes": 1}}, "Toy takes no such parameter; did you mean 'steps'?"),
    ],
)
def test_a_mistake_in_tuning_is_one_line(
    checkout: Checkout, change: dict[str, Any], message: str
) -> None:
    tuned(checkout, **change)
    run = checkout.repro("plan", "toy", "--scale", "smoke")
    assert run.returncode == 2
    assert message in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_a_tuned_parameter_has_no_value_in_the_spec(checkout: Checkout) -> None:
    tuned(checkout)
    checkout.edit_spec(lambda spec: spec["methods"]["far"].update(params={"bias": 0.2}))
    run = checkout.repro("plan", "toy", "--scale", "smoke")
    assert run.returncode == 2
    assert "methods.far.params.bias: tuning chooses this parameter" in run.stderr
