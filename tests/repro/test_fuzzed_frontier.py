"""Budgets by rule on whatever sweeps there are: no exception, and nothing supported that is not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_fixtures import made_up_plan

from repro.cells.aggregate import aggregate
from repro.claims import ClaimVerdict, decide
from repro.planning.plan import Plan
from repro.trials.store import TrialFolder, TrialRecord
from repro.trials.trial import Trial

DATASETS = ["gaussian", "skewed"]
BETAS = [0.0, 0.01, 0.1, 1.0]
#: (value, cost) of a trial; ``None`` where it is not there.
Outcome = tuple[float, float] | None

NUMBER = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, math.nan, math.inf, -math.inf, 1e300, -1e300, 1e-300]),
    st.floats(width=64),
)
BROKEN = st.one_of(st.tuples(NUMBER, NUMBER), st.tuples(NUMBER, st.floats(0, 3)), st.none())
_PLANS: dict[tuple[int, int, int], Plan] = {}


def plan_of(folder: Path, seeds: int, swept: int, budgets: int) -> Plan:
    """Return a plan of two sweeps on two data sets; nothing is stored in it, so it is made once."""
    key = (seeds, swept, budgets)
    if key not in _PLANS:
        claim: dict[str, Any] = {"id": "it", "text": "t", "source": "abstract", "kind": "frontier"}
        claim |= {"method": "bottleneck", "than": ["vib"], "over": DATASETS}
        claim |= {"metric": "information", "cost": "compression"}
        small = {"datasets": DATASETS, "seeds": seeds, "methods": ["bottleneck", "vib"]}
        small["sweep"] = {"datasets": DATASETS, "seeds": swept}
        claims = [claim | {"budgets": {"in_overlap": budgets}}]
        _PLANS[key] = made_up_plan(folder, scales={"small": small}, claims=claims)
    return _PLANS[key]


def judged(plan: Plan, outcomes: dict[str, Outcome]) -> ClaimVerdict:
    """Return the verdict where each trial has its outcome, by id."""
    records = []
    for trial in plan.trials:
        outcome = outcomes[trial.trial_id]
        value, cost = outcome or (0.0, 0.0)
        metrics = {"rmse": 1.0, "information": value, "compression": cost} if outcome else {}
        folder = TrialFolder(plan.paths.trials / trial.trial_id)
        records.append(TrialRecord(trial, folder, "done" if outcome else "missing", metrics))
    (verdict,) = decide(plan, aggregate(plan, records))
    return verdict


def step_of(trial: Trial) -> int:
    return BETAS.index(trial.setting.swept["beta"])


def sweeps(plan: Plan, random: np.random.Generator) -> dict[str, Outcome]:
    """Return curves of any shape: with and without a lead, alike, in order of cost or in none."""
    same, wiggle = (
        random.choice([math.nan, math.nan, 0.0, 1e-300, 1e300]),
        random.choice([0, 0.4, 3]),
    )
    lead, noise = random.choice([0.0, 0.5, -0.5]), random.choice([0.0, 0.1, 1.0])
    outcomes: dict[str, Outcome] = {}
    for trial in plan.trials:
        value = lead * (trial.setting.method == "bottleneck") + noise * random.normal()
        cost = step_of(trial) + wiggle * random.random()
        outcomes[trial.trial_id] = (value if math.isnan(same) else same, cost)
    return outcomes


@pytest.mark.parametrize("broken", [0, 1, 3, 99])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_sweeps_give_a_verdict(tmp_path: Path, broken: int, data: st.DataObject) -> None:
    """Of one seed, identical, ragged, without a data set; ``broken`` of the trials anything."""
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    seeds = int(random.integers(1, 7))
    swept = int(random.choice([seeds, seeds, max(0, seeds - 1)]))
    plan = plan_of(tmp_path, seeds, swept, int(random.integers(1, 5)))
    outcomes = sweeps(plan, random)
    for name in random.permutation(sorted(outcomes))[:broken]:
        outcomes[str(name)] = data.draw(BROKEN)
    if random.random() < 0.2:
        outcomes |= {t.trial_id: None for t in plan.trials if t.setting.dataset == "skewed"}
    verdict = judged(plan, outcomes)
    assert verdict.verdict in ("supported", "contradicted", "undecided")
    assert 0 <= verdict.test.p <= 1
    assert verdict.sentence.endswith(".")
    compared = [outcomes[trial.trial_id] for trial in _compared(plan)]
    if None in compared:
        assert verdict.verdict == "undecided", verdict.sentence
    # One data set may contradict it whatever diverged on another.
    if not all(map(_whole, compared)):
        assert verdict.verdict != "supported", verdict.sentence
    for finding in verdict.findings:
        assert finding.budget is not None
        for dataset, method, seed in _curves(plan):
            if dataset == finding.dataset:
                low, high = _reach(plan, outcomes, dataset, method, seed)
                assert low <= finding.budget <= high


def _whole(outcome: Outcome) -> bool:
    return outcome is not None and all(map(math.isfinite, outcome))


def _compared(plan: Plan) -> list[Trial]:
    """Return the trials that the claim rests on: the seeds that every setting of a sweep has."""
    return [trial for trial in plan.trials if trial.seed < plan.scale.sweep.seeds]


def _curves(plan: Plan) -> set[tuple[str, str, int]]:
    return {(t.setting.dataset, t.setting.method, t.seed) for t in _compared(plan)}


def _reach(
    plan: Plan, outcomes: dict[str, Outcome], dataset: str, method: str, seed: int
) -> tuple[float, float]:
    found = [
        outcomes[trial.trial_id]
        for trial in _compared(plan)
        if (trial.setting.dataset, trial.setting.method, trial.seed) == (dataset, method, seed)
    ]
    costs = [outcome[1] for outcome in found if outcome and math.isfinite(outcome[1])]
    return min(costs), max(costs)


@pytest.mark.parametrize("gone", ["none", "nan", "infinite", "cost", "missing"])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_a_method_that_no_budget_favours_is_never_supported(
    tmp_path: Path, gone: str, seed: int
) -> None:
    """At the same costs, which differ from seed to seed, it is worse or equal everywhere."""
    random = np.random.default_rng(seed)
    seeds = int(random.integers(1, 9))
    plan = plan_of(tmp_path, seeds, seeds, int(random.integers(1, 5)))
    size, ties = random.choice([1e-6, 1.0, 1e6]), random.choice([0.0, 0.5, 0.9, 1.0])
    when = int(random.integers(seeds))
    shared: dict[tuple[str, int, int], tuple[float, float]] = {}

    def outcome(trial: Trial) -> Outcome:
        place = (trial.setting.dataset, trial.seed, step_of(trial))
        if place not in shared:
            shared[place] = size * random.normal(), size * (place[2] + random.random())
        value, cost = shared[place]
        if trial.setting.method == "vib":
            return value, cost
        value -= 0.0 if random.random() < ties else size * random.random()
        if trial.seed != when or step_of(trial) != 1:
            return value, cost
        lost: dict[str, Outcome] = {"nan": (math.nan, cost), "infinite": (math.inf, cost)}
        return (lost | {"cost": (value, math.nan), "missing": None}).get(gone, (value, cost))

    verdict = judged(plan, {trial.trial_id: outcome(trial) for trial in plan.trials})
    assert verdict.verdict != "supported", verdict.sentence
    if gone != "none":
        assert verdict.verdict == "undecided", verdict.sentence


@pytest.mark.parametrize("value", [0.0, 3.25, 1e-300])
def test_identical_sweeps_decide_nothing(tmp_path: Path, value: float) -> None:
    plan = plan_of(tmp_path, 5, 5, 3)
    verdict = judged(plan, {t.trial_id: (value, float(step_of(t))) for t in plan.trials})
    assert verdict.verdict == "undecided"
    assert len(verdict.findings) == 6
    assert "identical values" in verdict.sentence
    flat = judged(plan, dict.fromkeys((t.trial_id for t in plan.trials), (value, 1.0)))
    assert flat.verdict == "undecided"
    assert "is reached by both curves in every seed" in flat.sentence
