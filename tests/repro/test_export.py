"""Exports: every trial and every number, as a program reads them back."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from report_fixtures import filled_plan, store_result

from repro.errors import UserError
from repro.export import FORMATS, export
from repro.planning.plan import Plan
from repro.trial_table import csv_bytes, parquet_bytes, trial_row
from repro.trials.store import TrialRecord


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, list[TrialRecord]]:
    return filled_plan(tmp_path_factory.mktemp("filled"))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def test_csv_has_each_trial_with_its_state_metrics_cost_and_provenance(
    filled: tuple[Plan, list[TrialRecord]],
) -> None:
    plan, records = filled
    path = export(plan, records, "csv", None, curves=False)
    assert path == plan.paths.base / "export" / "trials.csv"
    rows = rows_of(path)
    assert len(rows) == len(records)
    for row, record in zip(rows, records, strict=True):
        assert row["trial_id"] == record.trial.trial_id
        assert (row["paper"], row["scale"]) == (plan.spec.paper, "small")
        assert row["state"] == record.state
        assert int(row["seed"]) == record.trial.seed
        assert json.loads(row["params"]) == record.trial.setting.params
        for name, value in record.metrics.items():
            stored = float(row[f"metric.{name}"])
            assert stored == value or (math.isnan(stored) and math.isnan(value))
    done = next(row for row in rows if row["state"] == "done" and row["dataset"] == "diabetes")
    assert json.loads(done["data"]) == {"diabetes.csv": "0" * 64}
    assert json.loads(done["environment"])["python"]
    assert done["commit"].startswith("0123456789")
    assert (done["cost.wall_seconds"], done["attempts"]) == ("1.2", "1")
    stale = next(row for row in rows if row["state"] == "stale")
    assert "made_up.py" in json.loads(stale["moved"])
    assert json.loads(stale["code"]) == {"made_up.py": "0" * 64}
    failed = next(row for row in rows if row["state"] == "failed")
    assert (failed["error"], failed["metric.rmse"]) == ("out of <memory>", "")
    assert "NaN" in {row["metric.rmse"] for row in rows}


def test_parquet_holds_the_same_with_types(filled: tuple[Plan, list[TrialRecord]]) -> None:
    plan, records = filled
    frame = pd.read_parquet(export(plan, records, "parquet", None, curves=False))
    assert list(frame.trial_id) == [record.trial.trial_id for record in records]
    assert frame["metric.rmse"].dtype == "float64"
    assert frame["seed"].dtype == "int64"
    assert frame["in_table"].dtype == "bool"
    assert set(frame.purpose) == {"table", "sweep"}
    text = rows_of(export(plan, records, "csv", None, curves=False))
    assert list(frame.columns) == list(text[0])


def test_curves_are_one_row_per_point(
    filled: tuple[Plan, list[TrialRecord]], tmp_path: Path
) -> None:
    plan, records = filled
    path = export(plan, records, "csv", tmp_path / "new" / "points.csv", curves=True)
    rows = rows_of(path)
    with_curves = [record for record in records if record.folder.curves.exists()]
    assert len(rows) == 20 * len(with_curves)
    first = json.loads(with_curves[0].folder.curves.read_text().splitlines()[0])
    assert rows[0]["trial_id"] == with_curves[0].trial.trial_id
    assert (rows[0]["step"], rows[0]["metric"]) == ("0", "validation_rmse")
    assert float(rows[0]["value"]) == first["validation_rmse"]
    frame = pd.read_parquet(export(plan, records, "parquet", None, curves=True))
    assert len(frame) == len(rows)
    assert frame.value.iloc[0] == first["validation_rmse"]


def test_what_a_trial_was_run_for_is_told(filled: tuple[Plan, list[TrialRecord]]) -> None:
    plan, records = filled
    table = next(r for r in records if r.trial.setting.in_table)
    assert trial_row(table, plan.seeds)["purpose"] == "table"
    later = replace(table, trial=replace(table.trial, seed=plan.seeds))
    assert trial_row(later, plan.seeds)["purpose"] == "second stage"
    setting = replace(table.trial.setting, in_table=False, in_sweep=False)
    tuning = replace(table, trial=replace(table.trial, setting=setting))
    assert trial_row(tuning, plan.seeds)["purpose"] == "tuning"


AWKWARD = [
    {"name": 'a "quoted", text\nover lines', "metric.x": math.nan, "seed": 0, "in_table": True},
    {"name": "é – ∞ \ud800", "metric.x": -math.inf, "cost.device": "cpu", "seed": None},
    {"name": None, "metric.x": 1, "cost.parameters": "damaged", "in_table": False},
]


def test_what_is_awkward_in_csv_comes_back(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(csv_bytes(AWKWARD))
    first, second, third = rows_of(tmp_path / "a.csv")
    assert first["name"] == 'a "quoted", text\nover lines'
    assert (first["metric.x"], second["metric.x"], third["metric.x"]) == ("NaN", "-inf", "1.0")
    assert (first["in_table"], second["in_table"], third["in_table"]) == ("true", "", "false")
    assert second["name"].startswith("é – ∞")
    assert (second["seed"], third["name"], third["cost.parameters"]) == ("", "", "")


def test_null_and_nan_stay_apart_in_parquet(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    rows = [*AWKWARD, {"name": "no metric"}]
    (tmp_path / "a.parquet").write_bytes(parquet_bytes(rows))
    table = pq.read_table(tmp_path / "a.parquet").to_pydict()
    assert math.isnan(table["metric.x"][0])
    assert table["metric.x"][1:] == [-math.inf, 1.0, None]
    assert table["seed"] == [0, None, None, None]


def test_what_cannot_be_exported_is_the_users_mistake(
    filled: tuple[Plan, list[TrialRecord]], tmp_path: Path
) -> None:
    plan, records = filled
    with pytest.raises(UserError, match="unknown format 'parquett'; did you mean 'parquet'"):
        export(plan, records, "parquett", None, curves=False)
    with pytest.raises(UserError, match=r"ends in \.csv, but the format is parquet"):
        export(plan, records, "parquet", tmp_path / "a.csv", curves=False)
    with pytest.raises(UserError, match="is a folder"):
        export(plan, records, "csv", tmp_path, curves=False)
    empty = [record for record in records if not record.folder.curves.exists()]
    with pytest.raises(UserError, match="logged a curve"):
        export(plan, empty, "csv", None, curves=True)
    assert FORMATS == ("parquet", "csv")


def test_a_damaged_cost_does_not_stop_the_export(tmp_path: Path) -> None:
    plan, _ = filled_plan(tmp_path)
    trial = next(trial for trial in plan.trials if trial.setting.method == "mse")
    store_result(plan, trial, {"rmse": 0.5}, cost={"wall_seconds": "long", "device": 7})
    rows = rows_of(export(plan, plan.records(), "csv", None, curves=False))
    damaged = next(row for row in rows if row["trial_id"] == trial.trial_id)
    assert (damaged["cost.wall_seconds"], damaged["cost.device"]) == ("", "7")
