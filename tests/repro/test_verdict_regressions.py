"""Verdicts that were once false, or said more than their trials did."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_fixtures import SPEC, made_up_plan

from repro.cells.aggregate import aggregate
from repro.cells.verdicts import judge
from repro.claims import ClaimVerdict, decide
from repro.errors import UserError
from repro.planning.plan import Plan
from repro.report.figures.advantages import panels
from repro.spec import Metric, Reported
from repro.statistics import Ratio, Rules, compare_ratio, simultaneous_tail
from repro.trials.store import TrialFolder, TrialRecord
from repro.trials.trial import Trial

Values = Callable[[Trial], dict[str, float]]

CLAIM = {"id": "it", "text": "t", "source": "abstract", "method": "bottleneck", "metric": "rmse"}
BETAS = [0.0, 0.01, 0.1, 1.0]
FOUR = ["diabetes", "gaussian", "skewed", "heavy"]


def plan_of(folder: Path, claim: dict[str, Any], scale: str = "small", **entry: Any) -> Plan:
    """Return a plan with one claim, by default on one data set that is swept there."""
    datasets = entry.get("datasets", ["gaussian"])
    sweep = {"datasets": datasets, "seeds": entry.get("seeds", 8)}
    entry = {"datasets": datasets, "seeds": 8, "sweep": sweep} | entry
    return made_up_plan(folder, scale, scales={scale: entry}, claims=[CLAIM | claim])


def judged(plan: Plan, values: Values) -> ClaimVerdict:
    records = [
        TrialRecord(t, TrialFolder(plan.paths.trials / t.trial_id), "done", metrics=values(t))
        for t in plan.trials
    ]
    (verdict,) = decide(plan, aggregate(plan, records))
    return verdict


def noise(*place: object) -> float:
    random = np.random.default_rng(zlib.crc32(repr(place).encode()))
    return float(0.01 * random.normal())


def step_of(trial: Trial) -> int:
    return BETAS.index(trial.setting.swept.get("beta", 0.01))


def by_method(**error: float) -> Values:
    def values(trial: Trial) -> dict[str, float]:
        setting = trial.setting
        value = error.get(setting.method, 1.0)
        return {"rmse": value + noise(setting.method, setting.dataset, trial.seed)}

    return values


@pytest.mark.parametrize("steps", ["each", "trend"])
def test_an_advantage_over_absent_rivals_is_not_the_metric_itself(
    tmp_path: Path, steps: str
) -> None:
    claim = {"kind": "monotone", "along": "beta", "direction": "rises", "steps": steps}
    plan = plan_of(tmp_path, claim | {"than": ["vib"]}, methods=["bottleneck", "mse"])
    verdict = judged(plan, lambda t: {"rmse": 1 + 0.5 * step_of(t) + noise(step_of(t), t.seed)})
    assert verdict.verdict == "undecided"
    assert "VIB, which it is set against, is not run at this scale" in verdict.sentence
    assert not verdict.findings
    plan = plan_of(tmp_path / "alone", claim, methods=["bottleneck", "mse"])
    verdict = judged(plan, lambda t: {"rmse": 1 + 0.5 * step_of(t) + noise(step_of(t), t.seed)})
    assert verdict.verdict == "supported"


@pytest.mark.parametrize("along", ["crossing", "ratio", "better", "equivalent", "gap_closed"])
def test_no_kind_is_decided_without_any_of_its_rivals(tmp_path: Path, along: str) -> None:
    fields: dict[str, dict[str, Any]] = {
        "crossing": {"along": "beta"},
        "ratio": {"at_most": 0.9},
        "better": {},
        "equivalent": {"margin": "9"},
        "gap_closed": {"reference": "mse", "at_least": 0.1},
    }
    claim = {"kind": along, "than": ["vib", "nib"]} | fields[along]
    verdict = judged(plan_of(tmp_path, claim, methods=["bottleneck", "mse"]), by_method())
    assert verdict.reasons == ("2 of the claim's 2 rivals are not run at this scale",)


@pytest.mark.parametrize("diverged", ["bottleneck", "vib"])
@pytest.mark.parametrize("lead", [0.5, -0.5])
def test_a_curve_with_a_diverged_setting_is_not_the_worst_at_every_budget(
    tmp_path: Path, diverged: str, lead: float
) -> None:
    claim = {"kind": "frontier", "metric": "information", "cost": "compression", "than": ["vib"]}
    plan = plan_of(tmp_path, claim | {"budgets": [0.5, 1.5]}, methods=["bottleneck", "vib"])

    def values(trial: Trial) -> dict[str, float]:
        method, step = trial.setting.method, step_of(trial)
        information = 1 + 0.1 * step + (lead if method == "bottleneck" else 0)
        information += noise(method, step, trial.seed)
        if method == diverged and step == 3:
            information = math.nan
        cost = step + noise(method, step, trial.seed, "cost")
        return {"rmse": 1.0, "information": information, "compression": cost}

    verdict = judged(plan, values)
    assert verdict.verdict == "undecided"
    label = SPEC["methods"][diverged]["label"]
    assert f"runs diverged in the sweep of {label}: such a curve has no shape" in verdict.sentence
    assert all(one.comparison.p_greater == one.comparison.p_less == 1 for one in verdict.findings)


def test_a_data_set_left_out_counts_neither_for_nor_against(tmp_path: Path) -> None:
    """Worse on two of four, better on one, and one that cannot be judged: two may still hold."""
    claim = {"kind": "better", "than": ["mse"], "on": {"at_least": 2}, "over": FOUR}

    def values(trial: Trial) -> dict[str, float]:
        gain = {"gaussian": -0.3, "skewed": -0.3}.get(trial.setting.dataset, 0.3)
        ours = trial.setting.method == "bottleneck"
        place = (trial.setting.method, trial.setting.dataset, trial.seed)
        return {"rmse": 1 - gain * ours + noise(*place)}

    scale = {"datasets": FOUR, "methods": ["bottleneck", "mse"], "seeds": 12}
    assert judged(plan_of(tmp_path, claim, **scale), values).verdict == "undecided"
    three = plan_of(tmp_path / "three", claim | {"on": {"at_least": 3}}, **scale)
    verdict = judged(three, values)
    assert verdict.verdict == "contradicted"
    assert "2 such data sets of 4 rule out 3" in verdict.sentence


@pytest.mark.parametrize(
    ("between", "word"), [([0.0, 1.0], "contradicted"), ([1.0, 0.0], "supported")]
)
def test_a_crossing_takes_its_values_in_the_order_given(
    tmp_path: Path, between: list[float], word: str
) -> None:
    """The method is better at 0 and worse at 1."""
    claim = {"kind": "crossing", "along": "beta", "between": between, "than": ["vib"]}
    plan = plan_of(tmp_path, claim, methods=["bottleneck", "vib"])

    def values(trial: Trial) -> dict[str, float]:
        gain = (0.3 if step_of(trial) < 2 else -0.3) * (trial.setting.method == "bottleneck")
        return {"rmse": 1 - gain + noise(trial.setting.method, step_of(trial), trial.seed)}

    verdict = judged(plan, values)
    assert verdict.verdict == word
    if word == "supported":
        assert "CS-IB is worse at 1 and better at 0, as claimed" in verdict.sentence


@pytest.mark.parametrize("seeds", [5, 8, 9, 10, 12])
@pytest.mark.parametrize("signed", [True, False])
def test_more_seeds_do_not_blur_a_ratio(seeds: int, signed: bool) -> None:
    random = np.random.default_rng(seeds)
    ours, theirs = (mean + 0.01 * random.normal(size=seeds) for mean in (50, 100))
    ratio = Ratio(ours, theirs, (None, 0.6), "blurred", signed=signed)
    rules, tail = Rules(level=0.05 / 4, contradiction=12), simultaneous_tail(12, 4)
    found = compare_ratio(ratio, rules, tail)
    assert found.estimate == pytest.approx(0.5, abs=1e-3)
    assert "blurred" not in found.notes
    assert found.p_greater <= 0.05 / 8
    far = compare_ratio(replace(ratio, bounds=(None, 0.4)), rules, tail)
    assert 12 * far.p_less <= 0.05 / 8
    # A gap in the wrong direction is none.
    against = compare_ratio(replace(ratio, denominators=-theirs, signed=True), rules, tail)
    assert against.notes[0] == "blurred"
    assert against.p_greater == against.p_less == 1


def test_at_paper_scale_no_rival_may_be_missing(tmp_path: Path) -> None:
    claim = {"kind": "better", "than": "all_baselines"}
    values = by_method(bottleneck=0.5)
    methods = ["bottleneck", "mse"]
    small = judged(plan_of(tmp_path, claim, methods=methods), values)
    assert small.verdict == "supported"
    assert "(judged against 1 of 4 baselines)" in small.sentence
    paper = judged(plan_of(tmp_path / "paper", claim, "paper", methods=methods), values)
    assert paper.verdict == "undecided"
    assert paper.reasons == ("3 of the claim's 4 rivals are not run at this scale",)
    whole = judged(plan_of(tmp_path / "whole", claim, "paper"), values)
    assert whole.verdict == "supported"
    assert "judged" not in whole.sentence


def test_a_frontier_says_at_how_many_budgets_it_was_judged(tmp_path: Path) -> None:
    claim = {"kind": "frontier", "metric": "information", "cost": "compression", "than": ["vib"]}
    budgets = {"budgets": [1.5, 3.5, 4.0, 9.0]}
    plan = plan_of(tmp_path, claim | budgets, methods=["bottleneck", "vib"])

    def values(trial: Trial) -> dict[str, float]:
        method, step = trial.setting.method, step_of(trial)
        lead = 0.2 if method == "bottleneck" else 0.0
        wiggle = noise(method, step, trial.seed)
        return {"rmse": 1.0, "information": 1 + lead + wiggle, "compression": float(step)}

    assert "(judged at 1 of 4 budgets)" in judged(plan, values).sentence


@pytest.mark.parametrize("budgets", [[1.51, 1.5101], [1.51, 1.5101, 1500.0]])
def test_near_budgets_are_told_apart_wherever_they_stand(
    tmp_path: Path, budgets: list[float]
) -> None:
    claim = {"kind": "frontier", "metric": "information", "cost": "compression", "than": ["vib"]}
    plan = plan_of(tmp_path, claim | {"budgets": budgets}, methods=["bottleneck", "vib"])

    def values(trial: Trial) -> dict[str, float]:
        lead = 0.2 if trial.setting.method == "bottleneck" else 0.01 * trial.seed
        return {"rmse": 1.0, "information": 1 + lead, "compression": float(step_of(trial))}

    verdict = judged(plan, values)
    places = [finding.place for finding in verdict.findings]
    assert places == ["VIB on Gaussian noise at 1.51", "VIB on Gaussian noise at 1.5101"]
    (panel,) = panels(verdict, plan.spec)
    assert panel.categories == ("VIB, at 1.51", "VIB, at 1.5101")
    left_out = " ".join(verdict.left_out)
    assert ("1500 against VIB" in left_out) == (1500.0 in budgets)


def test_a_verdict_on_one_table_says_so_once(tmp_path: Path) -> None:
    claim = {"kind": "better", "than": ["mse", "vib"], "over": ["diabetes", "gaussian"]}
    plan = plan_of(tmp_path, claim, datasets=["diabetes", "gaussian"])
    sentence = judged(plan, by_method(bottleneck=0.5)).sentence
    assert sentence.count("conditional on this table") == 1
    assert "On Diabetes it is conditional on this table: the seeds only split it anew." in sentence
    plain = plan_of(tmp_path / "plain", claim | {"over": "gaussian"})
    assert "conditional" not in judged(plain, by_method(bottleneck=0.5)).sentence


def test_a_cell_on_one_table_says_so_once() -> None:
    number = Reported("d", "m", "a", "0.5", "Table 1", n=5, spread="0.1", spread_kind="sd")
    number.margin = "0.3"
    values, metric = [0.5, 0.52, 0.47], Metric("Accuracy", "higher")
    assert judge(values, number, metric, 0.25).sentence.count("conditional on this table") == 1
    assert "conditional" not in judge(values, number, metric).sentence


@pytest.mark.parametrize("swept", [[0, 0.0, 0.1], [0.1, 1, True]])
def test_one_setting_cannot_be_swept_twice(tmp_path: Path, swept: list[Any]) -> None:
    vib = SPEC["methods"]["vib"] | {"params": {"beta": {"sweep": swept, "table": 0.1}}}
    with pytest.raises(UserError, match=r"methods\.vib\.params\.beta: .* are the same value"):
        made_up_plan(tmp_path, methods=SPEC["methods"] | {"vib": vib})


def test_budgets_by_rule_lie_within_what_both_curves_reach_in_every_seed(tmp_path: Path) -> None:
    claim = {"kind": "frontier", "metric": "information", "cost": "compression", "than": ["vib"]}
    plan = plan_of(tmp_path, claim | {"budgets": {"in_overlap": 3}}, methods=["bottleneck", "vib"])

    def values(trial: Trial) -> dict[str, float]:
        method, step = trial.setting.method, step_of(trial)
        ours = method == "bottleneck"
        # Ours reaches from 0 to 3, the rival from 1 to 4, a tenth more with each seed.
        cost = step + (0.0 if ours else 1.0) + 0.1 * trial.seed
        information = cost + (0.5 if ours else 0.0) + 0.1 * noise(method, step, trial.seed)
        return {"rmse": 1.0, "information": information, "compression": cost}

    verdict = judged(plan, values)
    top = 1 + 0.1 * (plan.seeds - 1)
    expected = np.linspace(top, 3.0, 5)[1:-1]
    budgets = sorted({finding.budget for finding in verdict.findings})
    assert budgets == pytest.approx(list(expected))
    assert verdict.verdict == "supported"
    assert "judged" not in verdict.sentence


def test_curves_without_a_common_cost_leave_a_claim_undecided(tmp_path: Path) -> None:
    claim = {"kind": "frontier", "metric": "information", "cost": "compression", "than": ["vib"]}
    plan = plan_of(tmp_path, claim | {"budgets": {"in_overlap": 3}}, methods=["bottleneck", "vib"])

    def values(trial: Trial) -> dict[str, float]:
        apart = 0.0 if trial.setting.method == "bottleneck" else 9.0
        return {"rmse": 1.0, "information": 1.0, "compression": step_of(trial) + apart}

    verdict = judged(plan, values)
    assert verdict.verdict == "undecided"
    assert "is reached by both curves in every seed" in verdict.sentence
    lost = judged(plan, lambda trial: values(trial) | {"compression": math.nan})
    assert lost.verdict == "undecided"


def test_a_verdict_names_the_artefact_that_all_its_seeds_share(tmp_path: Path) -> None:
    claim = {"kind": "better", "than": ["mse"], "over": ["gaussian"]}
    plan = plan_of(tmp_path, claim, datasets=["gaussian"])
    teacher, own = "models.teachers.build_teacher", "models.tokenizers.train_tokenizer"
    errors = by_method(bottleneck=0.5)

    def used(trial: Trial) -> dict[str, Any]:
        artifacts = {f"{teacher}/{'a' * 32}": "code", f"{own}/{trial.seed:032d}": "code"}
        return {"fingerprint": {"artifacts": artifacts}}

    records = [
        TrialRecord(t, plan.folder(t), "done", metrics=errors(t), result=used(t))
        for t in plan.trials
    ]
    sentence = decide(plan, aggregate(plan, records))[0].sentence
    assert sentence.endswith("conditional on the artefact that all seeds share: build_teacher.")
