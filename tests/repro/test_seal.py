"""The seal: what a verdict is made by is written down before its first trial runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from checkout import Checkout, make_checkout
from report_fixtures import SPEC, made_up_plan, store_result

from repro.planning.plan import Plan, Selection, make_plan
from repro.planning.seal import read_seal, seal, sealed_parts


def changed(plan: Plan, **changes: Any) -> Plan:
    claim = replace(plan.spec.claims[0], **changes)
    return replace(plan, spec=replace(plan.spec, claims=[claim, *plan.spec.claims[1:]]))


def finish(plan: Plan, count: int) -> None:
    for trial in plan.trials[:count]:
        store_result(plan, trial, {"rmse": 1.0})


def test_a_seal_is_set_once_and_says_when(tmp_path: Path) -> None:
    plan = made_up_plan(tmp_path)
    assert read_seal(plan).sentences == (
        "The spec is not sealed yet: no trial of the table has finished.",
    )
    seal(plan)
    finish(plan, 10)
    seal(plan)
    assert len(plan.paths.seal.read_text().splitlines()) == 1
    (sentence,) = read_seal(plan).sentences
    assert "before the table's first trial ran" in sentence
    assert "unchanged" in sentence


def test_a_margin_changed_after_results_is_told(tmp_path: Path) -> None:
    plan = made_up_plan(tmp_path)
    seal(plan)
    finish(plan, 12)
    later = changed(plan, margin="0.5")
    shown = read_seal(later)
    assert shown.changed == (("", 12, ("claims.lower-error",)),)
    assert "Since the last run, when 12 trials of the table had finished" in shown.sentences[1]
    seal(later)
    ((when, finished, parts),) = read_seal(later).changed
    assert when
    assert (finished, parts) == (12, ("claims.lower-error",))
    # Changed back: both changes stay on record.
    seal(plan)
    assert len(read_seal(plan).changed) == 2


def test_a_change_before_any_result_is_no_change_of_a_known_outcome(tmp_path: Path) -> None:
    plan = made_up_plan(tmp_path)
    seal(plan)
    later = changed(plan, margin="0.5")
    seal(later)
    finish(plan, 12)
    assert read_seal(later).changed == ()


def test_results_from_before_the_first_seal_are_told(tmp_path: Path) -> None:
    plan = made_up_plan(tmp_path)
    finish(plan, 7)
    assert "never sealed, and 7 trials" in read_seal(plan).sentences[0]
    seal(plan)
    assert "when 7 trials of the table had finished already" in read_seal(plan).sentences[0]


@pytest.mark.parametrize(
    ("change", "counts"),
    [({"text": "Other words."}, False), ({"tested_as": "x"}, False), ({"than": "nib"}, True)],
)
def test_words_do_not_count_but_tests_do(
    tmp_path: Path, change: dict[str, Any], counts: bool
) -> None:
    plan = made_up_plan(tmp_path)
    before = sealed_parts(plan.spec, "small")
    after = sealed_parts(changed(plan, **change).spec, "small")
    assert (before != after) is counts


def test_a_change_cannot_hide_behind_a_selection_without_results(tmp_path: Path) -> None:
    plan = made_up_plan(tmp_path)
    seal(plan)
    finish(plan, 12)
    later = changed(plan, margin="0.001")
    selected = make_plan(
        later.spec, "small", plan.paths.results, Selection(datasets=("heavy",), methods=("nib",))
    )
    seal(selected)
    assert read_seal(later).changed[0][1:] == (12, ("claims.lower-error",))


def test_results_of_an_earlier_spec_count_although_no_trial_of_the_present_one_is_done(
    tmp_path: Path,
) -> None:
    plan = made_up_plan(tmp_path)
    seal(plan)
    finish(plan, 12)
    later = made_up_plan(tmp_path, scales={"small": {**SPEC["scales"]["small"], "task": {"a": 1}}})
    assert not any(record.state == "done" for record in later.records())
    seal(later)
    assert read_seal(later).changed[0][1:] == (12, ("scales.small",))


def test_a_damaged_last_line_hides_nothing_before_it(tmp_path: Path) -> None:
    plan = made_up_plan(tmp_path)
    seal(plan)
    with plan.paths.seal.open("a") as stream:
        stream.write('{"time": "2026')
    assert read_seal(plan).sealed
    seal(plan)
    assert read_seal(plan).changed == ()


def test_a_run_seals_before_its_first_table_trial(tmp_path: Path) -> None:
    checkout: Checkout = make_checkout(tmp_path)
    assert checkout.repro("reproduce", "toy", "--scale", "smoke").returncode == 0
    seal_file = checkout.results / "toy/smoke/seal.jsonl"
    (line,) = map(json.loads, seal_file.read_text().splitlines())
    assert line["finished"] == 0
    starts = [
        json.loads(attempt)["start"]
        for path in checkout.trials()
        for attempt in (path / "attempts.jsonl").read_text().splitlines()
    ]
    assert line["time"][:19] <= min(starts)[:19]
    checkout.edit_spec(lambda spec: spec["claims"][0].update(margin="0.2"))
    checkout.edit_spec(lambda spec: spec["scales"]["smoke"].update(seeds=4))
    checkout.repro("reproduce", "toy", "--scale", "smoke")
    second = json.loads(seal_file.read_text().splitlines()[1])
    assert second["finished"] == 14
