"""Cells: every state that a stored trial can put them in."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from report_fixtures import fill, filled_plan, made_up_plan, store_result

from repro.cells.aggregate import Cell, aggregate, dataset_entry
from repro.planning.plan import Selection, make_plan
from repro.report.wording import state_label


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], Cell]:
    plan, records = filled_plan(tmp_path_factory.mktemp("filled"))
    return aggregate(plan, records).cells


@pytest.mark.parametrize(
    ("address", "state", "shown"),
    [
        (("gaussian", "mse", "rmse"), "complete", True),
        (("skewed", "nib", "rmse"), "failed", False),
        (("skewed", "hsic", "rmse"), "incomplete", True),
        (("diabetes", "vib", "rmse"), "stale", True),
        (("diabetes", "released", "rmse"), "diverged", False),
        (("heavy", "mse", "rmse"), "not comparable", True),
        (("heavy", "mse", "rmse_noise_free"), "complete", True),
    ],
)
def test_each_state_is_told(
    cells: dict[tuple[str, str, str], Cell], address: tuple[str, str, str], state: str, shown: bool
) -> None:
    cell = cells[address]
    assert cell.state == state
    assert (cell.summary is not None) == shown


def test_a_mean_is_over_what_the_cell_holds(cells: dict[tuple[str, str, str], Cell]) -> None:
    cell = cells["skewed", "hsic", "rmse"]
    assert cell.summary is not None
    assert cell.summary.n == 3
    assert cell.summary.mean == pytest.approx(sum(cell.values.values()) / 3)


def test_metrics_that_a_data_set_lacks_make_no_cell(
    cells: dict[tuple[str, str, str], Cell],
) -> None:
    assert ("diabetes", "mse", "rmse_noise_free") not in cells


def test_a_metric_that_a_method_lacks_makes_no_cell_once_all_its_trials_have_ended(
    tmp_path: Path,
) -> None:
    plan = made_up_plan(tmp_path)
    fill(plan, troubled=False)
    records = [
        replace(record, metrics={k: v for k, v in record.metrics.items() if k != "rmse_noise_free"})
        if record.trial.setting.method == "mse"
        else record
        for record in plan.records()
    ]
    cells = aggregate(plan, records).cells
    assert ("gaussian", "mse", "rmse_noise_free") not in cells
    assert cells["gaussian", "hsic", "rmse_noise_free"].state == "complete"
    waiting = [
        replace(record, state="running", metrics={})
        if record.trial.setting.method == "mse" and record.trial.seed == 0
        else record
        for record in records
    ]
    assert (
        aggregate(plan, waiting).cells["gaussian", "mse", "rmse_noise_free"].state == "incomplete"
    )


def test_the_sweep_stays_out_of_the_table(tmp_path: Path) -> None:
    plan, records = filled_plan(tmp_path)
    data = aggregate(plan, records)
    curve = data.curve("gaussian", "bottleneck")
    assert len(curve) == 4
    cell = data.cell("gaussian", "bottleneck", "rmse")
    assert cell is not None
    assert cell.group.setting.swept == {"beta": 0.01}
    assert cell.planned == 5


def test_one_seed_is_a_single_run(tmp_path: Path) -> None:
    plan = made_up_plan(tmp_path, "smoke")
    fill(plan, troubled=False)
    cell = aggregate(plan, plan.records()).cell("diabetes", "mse", "rmse")
    assert cell is not None
    assert cell.state == "single run"


def test_an_empty_store_shows_the_tables_cells_as_incomplete(tmp_path: Path) -> None:
    plan = made_up_plan(tmp_path)
    cells = aggregate(plan, plan.records()).cells
    assert {cell.state for cell in cells.values()} == {"incomplete", "not comparable"}
    assert {cell.metric for cell in cells.values()} == {"rmse"}


def test_removing_one_trial_changes_its_cells_alone(tmp_path: Path) -> None:
    plan, records = filled_plan(tmp_path)
    before = aggregate(plan, records).cells
    trial = next(t for t in plan.trials if t.setting.method == "mse" and t.seed == 2)
    plan.folder(trial).result.unlink()
    after = aggregate(plan, plan.records()).cells
    changed = {key for key in before if before[key].summary != after[key].summary}
    assert changed
    assert {key[:2] for key in changed} == {(trial.setting.dataset, "mse")}


def test_a_metric_missing_from_one_result_makes_the_cell_incomplete(tmp_path: Path) -> None:
    plan = made_up_plan(tmp_path, "smoke", scales={"smoke": {"datasets": ["diabetes"], "seeds": 2}})
    fill(plan, troubled=False)
    trial = next(t for t in plan.trials if t.setting.method == "mse")
    store_result(plan, trial, {"information": 1.0})
    cell = aggregate(plan, plan.records()).cell("diabetes", "mse", "rmse")
    assert cell is not None
    assert cell.state == "incomplete"


def _one_cell(folder: Path, states: str, diverged: tuple[int, ...] = ()) -> Cell:
    """Return a cell with one trial per letter of ``states``: fresh, stale or missing."""
    scale = {"datasets": ["gaussian"], "seeds": len(states), "methods": ["bottleneck", "mse"]}
    plan = made_up_plan(folder, scales={"small": scale})
    old = {"files": {"made_up.py": "0" * 64}, "environment": {}, "artifacts": {}}
    for trial in plan.trials:
        value = math.nan if trial.seed in diverged else 10.0 + trial.seed
        if states[trial.seed] == "s":
            store_result(plan, trial, {"rmse": value}, fingerprint=old)
        elif states[trial.seed] == "f":
            store_result(plan, trial, {"rmse": value})
    cell = aggregate(plan, plan.records()).cell("gaussian", "mse", "rmse")
    assert cell is not None
    return cell


@pytest.mark.parametrize(
    ("states", "diverged", "label", "mean"),
    [
        ("sssfm", (), "incomplete 1/5, 3 stale", 13.0),
        ("ssfff", (), "incomplete 3/5, 2 stale", 13.0),
        ("sssmm", (), "stale 3/5", 11.0),
        ("sssss", (), "stale 5/5", 12.0),
        ("sssss", (1,), "stale 5/5, 1 diverged", None),
        ("sffff", (0,), "incomplete 4/5, 1 stale", 12.5),
        ("sffff", (4,), "incomplete 4/5, 1 stale, 1 diverged", None),
        ("fffff", (4,), "diverged 1/5", None),
        ("fffff", (), "", 12.0),
    ],
)
def test_stale_and_fresh_values_are_never_mixed(
    tmp_path: Path, states: str, diverged: tuple[int, ...], label: str, mean: float | None
) -> None:
    cell = _one_cell(tmp_path, states, diverged)
    assert state_label(cell) == label
    assert (cell.summary.mean if cell.summary else None) == mean


def test_a_users_file_is_what_the_spec_says_of_users_files(tmp_path: Path) -> None:
    user_data = {"label": "", "resplit": 0.25, "note": "yours", "not_compared": ["information"]}
    spec = made_up_plan(tmp_path, user_data=user_data).spec
    path = tmp_path / "mine.csv"
    path.write_text("1,2\n")
    plan = make_plan(spec, "small", tmp_path / "results", Selection(datasets=(f"file:{path}",)))
    fill(plan, troubled=False)
    data = aggregate(plan, plan.records())
    cell = data.cell(f"file:{path}", "mse", "rmse")
    other = data.cell(f"file:{path}", "mse", "information")
    assert cell is not None
    assert cell.summary is not None
    assert cell.summary.corrected
    assert other is not None
    assert other.state == "not comparable"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("file:/a/long/way/mine.csv", "mine.csv"),
        ("file:mine.csv", "mine.csv"),
        ("file:~/mine.csv?target=a/b", "mine.csv?target=a/b"),
        ("file:folder/", "folder"),
    ],
)
def test_a_users_file_is_called_by_its_name_alone(tmp_path: Path, name: str, label: str) -> None:
    assert dataset_entry(made_up_plan(tmp_path).spec, name).label == label
