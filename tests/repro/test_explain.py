"""Tracing a number back to its trials."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_fixtures import filled_plan

from repro.errors import UserError
from repro.explain import explain
from repro.plan import Plan
from repro.store import TrialRecord


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


def test_an_empty_store_can_be_explained(tmp_path: Path, filled: tuple[Plan, object]) -> None:
    plan, _ = filled
    missing = [TrialRecord(trial, plan.folder(trial), "missing") for trial in plan.trials]
    assert "undecided" in explain(plan, missing, None)
