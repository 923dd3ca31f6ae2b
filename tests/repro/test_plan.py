"""Trials from specs: ids by content, sweeps, selections."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from checkout import TOY
from hypothesis import given
from hypothesis import strategies as st

from repro.context import RunContext
from repro.errors import UserError
from repro.planning.plan import Plan, Selection, make_plan
from repro.spec import TableSpec
from repro.spec.load import read_typed
from repro.trials.trial import Setting, Trial


@pytest.fixture
def spec() -> TableSpec:
    loaded: TableSpec = read_typed(TOY / "toy.yaml", TableSpec)
    return loaded


def plan(spec: TableSpec, **selection: object) -> Plan:
    return make_plan(spec, "smoke", Path("/nowhere"), Selection(**selection))  # type: ignore[arg-type]


SETTING = Setting("t.T", {"a": 1}, "plain", "plain", "near", "m.M", {"b": 0.1}, {}, True)


def test_what_the_id_is_made_from() -> None:
    trial = Trial(SETTING, 0)
    others = [
        replace(SETTING, task="t.U"),
        replace(SETTING, task_settings={"a": 2}),
        replace(SETTING, dataset_identity="other"),
        replace(SETTING, use="m.N"),
        replace(SETTING, params={"b": 0.2}),
    ]
    ids = {Trial(setting, 0).trial_id for setting in others} | {Trial(SETTING, 1).trial_id}
    assert len(ids | {trial.trial_id}) == 7


def test_what_stays_out_of_the_id() -> None:
    trial = Trial(SETTING, 0)
    same = [
        replace(SETTING, method="renamed"),
        replace(SETTING, dataset="file:/another/place.csv"),
        replace(SETTING, in_table=False, swept={"b": 0.1}),
        replace(SETTING, params=dict(reversed(list({"b": 0.1}.items())))),
    ]
    assert {Trial(setting, 0).trial_id for setting in same} == {trial.trial_id}


def test_the_id_is_pinned() -> None:
    """A change here loses every stored result: raise the contract's version instead."""
    assert Trial(SETTING, 0).trial_id == "4e295764748d05d739268baa0e33cdac"


@given(st.integers(0, 10**6), st.sampled_from(["split", "init", "data"]))
def test_seeds_are_by_axis_and_leave_the_method_out(seed: int, axis: str) -> None:
    context = RunContext("t.T", "plain", seed, Path("/nowhere"))
    expected = hashlib.sha256(f"t.T/plain/{seed}/{axis}".encode()).digest()[:8]
    assert context.seed(axis) == int.from_bytes(expected, "big")
    assert context.seed(axis) != context.seed(axis + "x")


def test_a_sweep_makes_settings_and_names_the_tables_one(spec: TableSpec) -> None:
    trials = plan(spec).trials
    near = [t for t in trials if t.setting.method == "near" and t.setting.dataset == "plain"]
    in_table = {t.setting.params["bias"] for t in near if t.setting.in_table}
    drawn = {t.setting.params["bias"] for t in near if not t.setting.in_table}
    assert in_table == {0.1}
    assert drawn == {0.2}
    assert max(t.seed for t in near if not t.setting.in_table) == 1
    assert not [t for t in trials if t.setting.dataset == "other" and not t.setting.in_table]


def test_trials_have_ids_of_their_own(spec: TableSpec) -> None:
    ids = [trial.trial_id for trial in plan(spec).trials]
    assert len(ids) == len(set(ids)) == 14


def test_a_selection_keeps_ids_and_is_partial(spec: TableSpec) -> None:
    full, part = plan(spec), plan(spec, methods=("far",), datasets=("plain",))
    assert {t.trial_id for t in part.trials} < {t.trial_id for t in full.trials}
    assert part.partial
    assert not full.partial
    assert not plan(spec, seeds=3).partial


def test_a_users_file_counts_by_content(spec: TableSpec, tmp_path: Path) -> None:
    here, there = tmp_path / "a.csv", tmp_path / "b.csv"
    here.write_text("1,2")
    there.write_text("1,2")
    first = plan(spec, datasets=(f"file:{here}",)).trials[0]
    assert first.trial_id == plan(spec, datasets=(f"file:{there}",)).trials[0].trial_id
    there.write_text("1,3")
    assert first.trial_id != plan(spec, datasets=(f"file:{there}",)).trials[0].trial_id


def test_a_scale_that_the_paper_lacks(spec: TableSpec) -> None:
    del spec.scales["paper"]
    with pytest.raises(UserError, match="has no scale 'paper'; valid: smoke, small"):
        make_plan(spec, "paper", Path("/nowhere"), Selection())
