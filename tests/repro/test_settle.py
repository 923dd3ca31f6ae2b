"""The second stage: planned once, on new seeds, beside the first stage's verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from checkout import Checkout, make_checkout

SMOKE = ("reproduce", "toy", "--scale", "smoke")


def close_call(checkout: Checkout, bias: float = 0.108, **scale: Any) -> Checkout:
    """Make the toy's two methods differ by about two standard deviations of their noise."""

    def change(spec: dict[str, Any]) -> None:
        spec["methods"]["near"]["params"] = {"bias": 0.1}
        spec["methods"]["far"]["params"] = {"bias": bias}
        spec["scales"]["smoke"] |= {"datasets": ["plain"], "sweep": {}} | scale

    checkout.edit_spec(change)
    return checkout


def verdicts(checkout: Checkout) -> dict[str, Any]:
    text = (checkout.results / "toy/smoke/report/verdicts.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return make_checkout(tmp_path)


def test_the_second_stage_runs_new_seeds_once_and_leaves_the_first_alone(
    checkout: Checkout,
) -> None:
    close_call(checkout)
    assert checkout.repro(*SMOKE).returncode == 0
    first = verdicts(checkout)["claims"][0]
    assert first["verdict"] == "undecided"
    settled = checkout.repro(*SMOKE, "--settle")
    assert settled.returncode == 0, settled.stderr
    stage = json.loads((checkout.results / "toy/smoke/second-stage.json").read_text())
    assert stage["first_seed"] == 3
    assert f"Second stage: {stage['seeds']} new seeds" in settled.stdout
    seeds = [json.loads((p / "trial.json").read_text())["seed"] for p in checkout.trials()]
    assert sorted(seeds) == sorted([*range(3 + stage["seeds"])] * 2)
    after = verdicts(checkout)
    assert after["claims"][0]["verdict"] == "undecided"
    assert after["claims"][0]["p_holm"] == first["p_holm"]
    (second,) = after["second_stage"]["claims"]
    assert second["id"] == "nearer"
    assert second["comparisons"][0]["n"] == stage["seeds"]
    # A second call plans no third stage: it finds nothing to run.
    again = checkout.repro(*SMOKE, "--settle")
    assert again.returncode == 0
    assert len(checkout.trials()) == len(seeds)


def test_the_verdict_of_the_second_stage_stands_in_every_format(checkout: Checkout) -> None:
    close_call(checkout)
    checkout.repro(*SMOKE, "--settle")
    folder = checkout.results / "toy/smoke/report"
    for name in ("report.html", "table.md", "report.tex"):
        assert "Second stage" in (folder / name).read_text(), name


def test_a_dry_run_says_what_the_second_stage_would_be_and_fixes_nothing(
    checkout: Checkout,
) -> None:
    close_call(checkout)
    early = checkout.repro(*SMOKE, "--settle", "--dry-run")
    assert early.returncode == 0
    assert "SETTLE waits: the first stage is not complete." in early.stdout
    checkout.repro(*SMOKE)
    before = len(checkout.trials())
    shown = checkout.repro(*SMOKE, "--settle", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "new seeds (3 to" in shown.stdout
    assert not (checkout.results / "toy/smoke/second-stage.json").exists()
    assert len(checkout.trials()) == before
    settled = checkout.repro(*SMOKE, "--settle")
    said = next(line for line in shown.stdout.splitlines() if line.startswith("Second stage"))
    assert said in settled.stdout


def test_what_no_allowed_number_of_seeds_could_settle_is_refused(checkout: Checkout) -> None:
    close_call(checkout, bias=0.1005, settle=4)
    run = checkout.repro(*SMOKE, "--settle")
    assert run.returncode == 2
    assert "more than 4 further seeds would be needed for nearer" in run.stderr
    assert not (checkout.results / "toy/smoke/second-stage.json").exists()


def test_a_decided_table_has_nothing_to_settle(checkout: Checkout) -> None:
    close_call(checkout, bias=0.9)
    run = checkout.repro(*SMOKE, "--settle")
    assert run.returncode == 2
    assert "no undecided claim or cell that more seeds could settle" in run.stderr


def test_seeds_that_split_one_table_again_settle_nothing(checkout: Checkout) -> None:
    close_call(checkout)
    checkout.edit_spec(lambda spec: spec["datasets"]["plain"].update(resplit=0.25))
    run = checkout.repro(*SMOKE, "--settle")
    assert run.returncode == 2
    assert "new seeds would only re-split the same table for nearer" in run.stderr
    assert not (checkout.results / "toy/smoke/second-stage.json").exists()


def test_a_partial_selection_cannot_be_settled(checkout: Checkout) -> None:
    run = checkout.repro(*SMOKE, "--settle", "--seeds", "2")
    assert run.returncode == 2
    assert "SETTLE: a partial selection decides nothing" in run.stderr


def test_the_second_stage_waits_for_the_first(checkout: Checkout) -> None:
    close_call(checkout)
    checkout.edit_spec(
        lambda spec: spec["methods"]["far"].update(params={"bias": 0.1, "ending": "raise"})
    )
    run = checkout.repro(*SMOKE, "--settle")
    assert run.returncode == 1
    assert "SETTLE waits: the first stage is not complete." in run.stdout


def test_a_stage_whose_claim_or_seeds_changed_decides_nothing(checkout: Checkout) -> None:
    close_call(checkout)
    checkout.repro(*SMOKE, "--settle")
    checkout.edit_spec(lambda spec: spec["claims"][0].update(margin="0.001"))
    run = checkout.repro(*SMOKE, "--settle")
    assert run.returncode == 2
    assert "these of its claims were changed: nearer" in run.stderr
    assert verdicts(checkout)["second_stage"]["claims"] == []
    checkout.edit_spec(lambda spec: spec["claims"][0].pop("margin"))
    checkout.edit_spec(lambda spec: spec["scales"]["smoke"].update(seeds=5))
    run = checkout.repro(*SMOKE)
    assert run.returncode == 0
    page = (checkout.results / "toy/smoke/report/table.md").read_text()
    assert "its seeds begin at 3, and the table's now reach 4" in page
