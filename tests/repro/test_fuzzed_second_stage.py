"""A second stage of whatever trials there are: no exception, nothing reproduced that is not."""

from __future__ import annotations

import math
import shutil
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_fixtures import SPEC, made_up_plan, store_result

from repro.cells.aggregate import aggregate
from repro.cells.settling import address_of
from repro.cells.verdicts import CellVerdict, cell_verdicts, margin_of
from repro.explain import explain
from repro.files import write_json
from repro.planning.plan import Plan
from repro.planning.seal import sealed_number
from repro.report.document import make_document
from repro.report.second_stage import second_stage
from repro.settle import SecondStage, second_plan
from repro.trials.trial import Trial

FIRST, NEW = 3, 4
DATASETS = ("gaussian", "skewed")
ANY = st.floats(allow_nan=True, allow_infinity=True, width=64)
PRINTED = 0.4


@pytest.fixture(scope="module", params=[1, NEW], ids=["one new seed", "four new seeds"])
def plan(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Return a plan of two printed cells, both of which a second stage tests again."""
    number = {"method": "mse", "metric": "rmse", "value": f"{PRINTED:.2f}", "n": 5}
    number |= {"source": "Table 2", "spread": "0.01", "spread_kind": "sd", "margin": "0.05"}
    made = made_up_plan(
        tmp_path_factory.mktemp("stage"),
        "paper",
        scales=SPEC["scales"] | {"paper": {"datasets": list(DATASETS), "seeds": FIRST}},
        methods={key: SPEC["methods"][key] for key in ("bottleneck", "mse")},
        claims=[],
        reported=[number | {"dataset": dataset} for dataset in DATASETS],
    )
    numbers = {address_of(one): sealed_number(one) for one in made.spec.reported}
    stage = SecondStage(
        claims=(),
        hopeless=(),
        first_seed=FIRST,
        seeds=request.param,
        planned="2026-01-03T00:00:00+00:00",
        cells=tuple(numbers),
        sealed=numbers,
    )
    made.paths.base.mkdir(parents=True)
    write_json(made.paths.second_stage, vars(stage))
    return made


def stages(plan: Plan) -> tuple[list[Trial], list[Trial]]:
    """Return the first stage's trials and the second's, of the printed method."""
    second = second_plan(plan)
    assert second is not None
    return [t for t in plan.trials if t.setting.method == "mse"], list(second.trials)


def store(plan: Plan, values: dict[str, Any]) -> None:
    """Store the trials that have a value, by id, and no other."""
    shutil.rmtree(plan.paths.trials, ignore_errors=True)
    for trial in (trial for stage in stages(plan) for trial in stage):
        if values.get(trial.trial_id) is not None:
            store_result(plan, trial, {"rmse": values[trial.trial_id]})


def second(plan: Plan) -> dict[str, CellVerdict]:
    """Return the second stage's verdicts by data set."""
    found = second_stage(plan)
    assert found is not None
    return {key[0]: verdict for key, verdict in found.cells.items()}


def drawn(random: np.random.Generator, trials: list[Trial], side: float) -> dict[str, Any]:
    """Return values of any spread; ``side`` of the margin alone, where it is not 0."""
    spread = random.choice([0.0, 1e-12, 0.01, 0.3])
    values = spread * random.normal(size=len(trials))
    values = PRINTED + (side * (0.0551 + np.abs(values)) if side else values)
    return {trial.trial_id: float(value) for trial, value in zip(trials, values, strict=True)}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), seed=st.integers(0, 2**32), broken=st.sampled_from([0, 1, 2, 9]))
def test_any_new_seeds_give_verdicts(
    plan: Plan, data: st.DataObject, seed: int, broken: int
) -> None:
    """Not finite, missing in a seed or on a data set, identical, without any spread."""
    random = np.random.default_rng(seed)
    first, new = stages(plan)
    values = drawn(random, first, 0) | drawn(random, new, 0)
    for trial in random.permutation(np.array(new, dtype=object))[:broken]:
        values[trial.trial_id] = data.draw(st.one_of(ANY, st.none()))
    store(plan, values)
    verdicts = second(plan)
    assert set(verdicts) == set(DATASETS)
    for dataset, verdict in verdicts.items():
        own = [values[t.trial_id] for t in new if t.setting.dataset == dataset]
        assert verdict.sentence.endswith(".")
        assert verdict.further_seeds is None
        if any(value is None or not math.isfinite(value) for value in own):
            assert verdict.verdict == "not comparable"
        elif len(own) == 1:
            assert verdict.verdict == "single run"
        else:
            assert verdict.verdict != "single run"
    document = make_document(plan, plan.records())
    assert document.second_stage is not None
    marks = [mark.words for t in document.tables for e in t.entries for mark in e.marks]
    for verdict in verdicts.values():
        assert f"{verdict.verdict}, second stage" in marks
    assert "second stage (" in explain(plan, plan.records(), "gaussian/mse/rmse")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), side=st.sampled_from([-1.0, 1.0]))
def test_new_seeds_beyond_the_margin_are_never_reproduced(
    plan: Plan, seed: int, side: float
) -> None:
    """Whatever the first stage said; and the new seeds change nothing of that."""
    assert margin_of(plan.spec.reported[0]) == pytest.approx(0.055)
    random = np.random.default_rng(seed)
    first, new = stages(plan)
    before = drawn(random, first, 0)
    store(plan, before)
    alone = cell_verdicts(plan, aggregate(plan, plan.records()))
    store(plan, before | drawn(random, new, side))
    assert cell_verdicts(plan, aggregate(plan, plan.records())) == alone
    allowed = {"falls short", "inconclusive"} if side > 0 else {"exceeds", "inconclusive"}
    allowed |= {"single run", "consistent"}
    for verdict in second(plan).values():
        assert verdict.verdict in allowed, verdict.sentence
        if verdict.verdict == "single run":
            assert "outside the margin" in verdict.sentence
