"""Tracing a number back to its trials."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from report_fixtures import SPEC, fill, filled_plan, made_up_plan

from repro.cells.aggregate import aggregate
from repro.cells.verdicts import cell_verdicts
from repro.claims import decide
from repro.errors import UserError
from repro.explain import explain
from repro.plan import Plan
from repro.store import TrialRecord
from repro.tuning import LedgerEntry, Tried


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
