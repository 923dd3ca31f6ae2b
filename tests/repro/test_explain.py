"""Tracing a number back to its trials."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from golden_report import golden_plan
from report_fixtures import SPEC, fill, filled_plan, made_up_plan

from repro.cells.aggregate import aggregate
from repro.cells.verdicts import cell_verdicts
from repro.claims import decide
from repro.errors import UserError
from repro.explain import explain
from repro.planning.plan import Plan
from repro.planning.tuning import LedgerEntry, Tried
from repro.report.second_stage import second_stage
from repro.settle import read_stage, second_plan
from repro.trials.store import TrialRecord


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, list[TrialRecord]]:
    return filled_plan(tmp_path_factory.mktemp("filled"))


def test_a_cell_lists_its_trials_and_where_they_came_from(
    filled: tuple[Plan, list[TrialRecord]],
) -> None:
    plan, records = filled
    text = explain(plan, records, "diabetes/mse/rmse")
    mine = [r for r in records if r.trial.setting.dataset == "diabetes"]
    mine = [record for record in mine if record.trial.setting.method == "mse"]
    assert len(mine) == 5
    for record in mine:
        assert record.trial.trial_id in text
        assert repr(record.metrics["rmse"]) in text
    assert "commit: 0123456789" in text
    assert f"data: diabetes.csv {'0' * 64}" in text
    assert "attempt on laptop" in text
    assert "seeds share data" in text


def test_a_stale_cell_says_what_moved_and_a_failed_one_why(
    filled: tuple[Plan, list[TrialRecord]],
) -> None:
    assert "changed since: made_up.py" in explain(*filled, "diabetes/vib")
    assert "RuntimeError: out of <memory>" in explain(*filled, "skewed/nib/rmse")


def test_without_a_cell_every_claim_and_cell_is_named(
    filled: tuple[Plan, list[TrialRecord]],
) -> None:
    text = explain(*filled, None)
    for claim in filled[0].spec.claims:
        assert claim.id in text
    assert "skewed/nib/rmse  failed" in text


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [("diabetes/msee/rmse", "did you mean 'diabetes/mse/rmse'"), ("diabetes/ms", "diabetes/mse'")],
)
def test_an_unknown_cell_is_the_users_mistake(
    filled: tuple[Plan, list[TrialRecord]], wrong: str, hint: str
) -> None:
    with pytest.raises(UserError, match="unknown cell") as caught:
        explain(*filled, wrong)
    assert hint in str(caught.value)


def test_a_finding_shows_its_simultaneous_interval(
    filled: tuple[Plan, list[TrialRecord]],
) -> None:
    plan, records = filled
    text = explain(plan, records)
    verdicts = decide(plan, aggregate(plan, records))
    findings = [f for verdict in verdicts for f in verdict.findings if f.interval]
    assert len(findings) > 5
    for finding in findings:
        assert finding.interval is not None
        low, high = (finding.number(bound) for bound in finding.interval)
        assert f"simultaneous 95 % interval {low} to {high}" in text
    assert text.count("simultaneous 95 % interval") >= len(findings)


def test_a_cell_names_the_claims_that_use_it_and_no_others(
    filled: tuple[Plan, list[TrialRecord]],
) -> None:
    text = explain(*filled, "gaussian/mse/rmse")
    used = text.partition("claims that use it:")[2].partition("trial ")[0]
    assert "beats-mse: undecided. " in used
    for other in ("lower-error", "robust", "trade-off", "estimator"):
        assert f"  {other}: " not in used
    assert "claims that use it" not in explain(*filled, "skewed/symmetric/rmse")
    robust = explain(*filled, "gaussian/vib/fgsm_rmse@0.1").partition("claims that use it:")[2]
    assert "  robust: " in robust
    assert "  lower-error: " not in robust
    assert "  lower-error: " in explain(*filled, "heavy/hsic/rmse_noise_free")
    assert "  lower-error: " not in explain(*filled, "heavy/hsic/rmse")


def test_one_claim_in_full_has_its_spec_family_and_cells(
    filled: tuple[Plan, list[TrialRecord]],
) -> None:
    text = explain(*filled, claim="lower-error")
    assert "tested as: Lower error than VIB and HSIC on two of the sets." in text
    assert "  than: ['vib', 'hsic']" in text
    assert "  metric_for: {'heavy': 'rmse_noise_free'}" in text
    assert "its family, 4 claims, by two-sided p:" in text
    family = text.partition("its family")[2]
    assert "lower-error: " in family
    assert "(this one)" in family
    assert "estimator" not in family
    cells = text.partition("cells that it uses")[2]
    for cell in ("gaussian/bottleneck/rmse", "gaussian/vib/rmse", "heavy/hsic/rmse_noise_free"):
        assert f"  {cell}  " in cells
    assert "heavy/hsic/rmse  " not in cells
    assert "diabetes" not in cells
    assert "its family, one claim" in explain(*filled, claim="estimator")


def test_an_unknown_claim_or_both_are_the_users_mistake(
    filled: tuple[Plan, list[TrialRecord]],
) -> None:
    with pytest.raises(UserError, match="unknown claim 'robst'; did you mean 'robust'"):
        explain(*filled, claim="robst")
    with pytest.raises(UserError, match="not both"):
        explain(*filled, "diabetes/mse", "robust")


def test_a_tuned_cell_says_what_was_tried_and_chosen(
    filled: tuple[Plan, list[TrialRecord]],
) -> None:
    plan, records = filled
    tried = tuple(
        Tried({"rate": rate}, score, state, 60.0, ())
        for rate, score, state in ((0.1, 0.5, "done"), (0.2, 0.4, "done"), (0.3, None, "failed"))
    )
    entry = LedgerEntry(
        dataset="diabetes",
        method="mse",
        metric="validation_rmse",
        split="validation",
        seeds=(100, 101),
        budget=4,
        configurations=tried,
        chosen={"rate": 0.2},
        at_edge=("rate",),
        note="its space has 3 configurations, fewer than the budget",
    )
    tuned = replace(plan, ledger=(entry,))
    text = explain(tuned, records, "diabetes/mse")
    assert "tuning: chose rate = 0.2, by validation_rmse on the validation split, of 3" in text
    assert "on seeds 100, 101 (0.05 h)" in text
    assert "rate = 0.1: 0.5 (done)\n" in text
    assert "rate = 0.2: 0.4 (done)  chosen\n" in text
    assert "rate = 0.3: failed\n" in text
    assert "rate lies at the edge of its space" in text
    assert "fewer than the budget" in text
    assert "tuning" not in explain(tuned, records, "diabetes/vib")
    waiting = tuple(replace(one, state="waiting", score=None) for one in tried)
    unfinished = replace(entry, chosen=None, configurations=waiting)
    later = replace(plan, ledger=(unfinished,))
    assert "tuning: 3 configurations still to run" in explain(later, records, "diabetes/mse")


def test_at_paper_scale_a_cell_stands_beside_the_printed_number(tmp_path: Path) -> None:
    reported = [
        {
            "dataset": "gaussian",
            "method": "mse",
            "metric": "rmse",
            "value": "0.420",
            "source": "Table 2",
            "n": 5,
            "spread": "0.010",
            "spread_kind": "sd",
            "margin": "0.5",
        }
    ]
    scales = {**SPEC["scales"], "paper": SPEC["scales"]["small"]}
    plan = made_up_plan(tmp_path, "paper", reported=reported, scales=scales)
    fill(plan, troubled=False, curves=False)
    text = explain(plan, plan.records(), "gaussian/mse")
    verdict = cell_verdicts(plan, aggregate(plan, plan.records()))["gaussian", "mse", "rmse"]
    assert verdict.verdict == "reproduced"
    assert f"against the paper's 0.420 (Table 2): reproduced. {verdict.sentence}" in text
    assert "against the paper's" not in explain(plan, plan.records(), "gaussian/vib")


def test_an_empty_store_can_be_explained(tmp_path: Path, filled: tuple[Plan, object]) -> None:
    plan, _ = filled
    missing = [TrialRecord(trial, plan.folder(trial), "missing") for trial in plan.trials]
    assert "undecided" in explain(plan, missing, None)


#: What the golden report's second stage tests again.
OPEN_CELL, OPEN_CLAIM = "fold3/repri/miou_1shot", "proportion-is-worth-two-points"


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, list[TrialRecord]]:
    plan = golden_plan(tmp_path_factory.mktemp("staged"))
    return plan, plan.records()


def later(plan: Plan, dataset: str, *methods: str) -> list[TrialRecord]:
    second = second_plan(plan)
    assert second is not None
    found = [(r, r.trial.setting) for r in second.records()]
    return [r for r, s in found if s.dataset == dataset and s.method in methods]


def span(plan: Plan, trials: int) -> str:
    """Return how the stage's trials are called, all of them done."""
    stage = read_stage(plan)
    assert stage is not None
    last = stage.first_seed + stage.seeds - 1
    return f"seeds {stage.first_seed} to {last}, {trials} trials: {trials} done"


def test_a_cell_shows_the_second_stage_beside_the_first(
    staged: tuple[Plan, list[TrialRecord]],
) -> None:
    plan, records = staged
    text = explain(plan, records, OPEN_CELL)
    stage = second_stage(plan)
    assert stage is not None
    first = cell_verdicts(plan, aggregate(plan, records))["fold3", "repri", "miou_1shot"]
    second = stage.cells["fold3", "repri", "miou_1shot"]
    trials = later(plan, "fold3", "repri")
    assert trials
    assert f"against the paper's {first.reported.value} (" in text
    assert f"): {first.verdict}. {first.sentence}" in text
    seeds = span(plan, len(trials))
    assert f"second stage ({seeds}): {second.verdict}. {second.sentence}" in text
    listed = text.partition(f"Trials of the second stage ({seeds}):")[2]
    for record in trials:
        assert record.trial.trial_id in listed
        assert repr(record.metrics["miou_1shot"]) in listed
    assert text.count("\ntrial ") == plan.seeds + len(trials)
    assert text.endswith(stage.sentence)


def test_a_cell_that_the_second_stage_leaves_alone_has_none(
    staged: tuple[Plan, list[TrialRecord]],
) -> None:
    text = explain(*staged, "fold1/oracle")
    assert "Trials of the second stage" not in text
    assert "second stage (" not in text


def test_a_claim_shows_the_second_stage_beside_the_first(
    staged: tuple[Plan, list[TrialRecord]],
) -> None:
    plan, records = staged
    text = explain(plan, records, claim=OPEN_CLAIM)
    stage = second_stage(plan)
    assert stage is not None
    second = stage.verdict_on(OPEN_CLAIM)
    assert second is not None
    trials = later(plan, "fold0", "repri", "no_proportion")
    assert trials
    head, _, listed = text.partition("in the second stage:")
    assert f"second stage ({span(plan, len(trials))}): {second.verdict}\n" in head
    assert second.sentence in head
    assert f"after Holm over {second.family}: {second.p_holm:.3g}" in head
    for record in trials:
        assert f"trial {record.trial.trial_id}  seed {record.trial.seed}  fold0/" in listed
    other = explain(plan, records, claim="proportion-matters")
    assert "second stage (" not in other
    assert "in the second stage" not in other


def test_the_outline_shows_both_stages(staged: tuple[Plan, list[TrialRecord]]) -> None:
    text, stage = explain(*staged), second_stage(staged[0])
    assert stage is not None
    assert text.count("second stage (seeds ") == len(stage.claims)
    for key, verdict in stage.cells.items():
        address = "/".join(key)
        assert f"  {address}  complete; {verdict.verdict} in the second stage\n" in text
    using = explain(*staged, "fold0/no_proportion/miou_1shot")
    verdict_on = stage.verdict_on(OPEN_CLAIM)
    assert verdict_on is not None
    assert f"    in the second stage: {verdict_on.verdict}. {verdict_on.sentence}\n" in using


def test_a_second_stage_that_decides_nothing_any_more_says_so(
    staged: tuple[Plan, list[TrialRecord]],
) -> None:
    plan, records = staged
    claims = [replace(c, margin="9") if c.id == OPEN_CLAIM else c for c in plan.spec.claims]
    changed = replace(plan, spec=replace(plan.spec, claims=claims))
    for what in ({}, {"cell": OPEN_CELL}, {"claim": OPEN_CLAIM}):
        text = explain(changed, records, **what)
        assert text.endswith(f"these of its claims and printed numbers were changed: {OPEN_CLAIM}.")
        assert "second stage (" not in text


def test_a_difference_of_percentages_is_in_points(
    staged: tuple[Plan, list[TrialRecord]],
) -> None:
    text = explain(*staged, claim="proportion-matters")
    assert re.search(r"advantage \+[\d.]+ percentage points, simultaneous", text)
    assert not re.search(r"advantage \+[\d.]+ %", text)
