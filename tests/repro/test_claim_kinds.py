"""Every kind of claim over made-up trials: supported, contradicted, undecided, never by chance."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_fixtures import COMMENSURABLE, SPEC, fill, made_up_plan, store_result

from repro.cells.aggregate import aggregate
from repro.claims import decide, detectable, settings_of
from repro.planning.plan import Plan
from repro.statistics.power import smallest_detectable
from repro.trials.store import TrialFolder, TrialRecord
from repro.trials.trial import Trial

Values = Callable[[Trial], dict[str, float]]

BETTER = {"kind": "better", "than": ["vib"], "metric": "rmse"}
KINDS: dict[str, dict[str, Any]] = {
    "better": BETTER,
    "margin": BETTER | {"margin": "0.05"},
    "share": BETTER | {"margin": "5%"},
    "log_ratio": BETTER | {"margin": "5%", "compare": "log_ratio"},
    "mean": BETTER | {"on": "mean"},
    "at_least": BETTER | {"on": {"at_least": 1}},
    "permutation": BETTER | {"test": "permutation"},
    "wilcoxon": BETTER | {"test": "wilcoxon"},
    "sign": BETTER | {"test": "sign"},
    "welch": BETTER | {"test": "welch"},
    "ratio": {"kind": "ratio", "than": ["vib"], "metric": "rmse", "at_most": 0.9},
    "gap_closed": {
        "kind": "gap_closed",
        "than": ["vib"],
        "reference": "mse",
        "metric": "rmse",
        "at_least": 0.5,
    },
    "equivalent": {"kind": "equivalent", "than": ["vib"], "metric": "rmse", "margin": "0.5"},
    "rises": {"kind": "monotone", "metric": "fgsm_rmse", "along": "level", "direction": "rises"},
    "trend": {
        "kind": "monotone",
        "metric": "rmse",
        "along": "beta",
        "direction": "falls",
        "steps": "trend",
        "than": ["vib"],
    },
    "crossing": {"kind": "crossing", "metric": "rmse", "along": "beta", "than": ["vib"]},
    "fit": {
        "kind": "fit",
        "metric": "fgsm_rmse",
        "along": "level",
        "form": "power_law",
        "parameter": "exponent",
        "at_least": 0.2,
    },
    "alike": {
        "kind": "alike",
        "metric": "fgsm_rmse",
        "along": "level",
        "form": "power_law",
        "parameter": "exponent",
        "margin": "0.1",
    },
    "frontier": {
        "kind": "frontier",
        "metric": "information",
        "cost": "compression",
        "budgets": [0.5],
        "than": ["vib"],
    },
}
KINDS["in_overlap"] = KINDS["frontier"] | {"budgets": {"in_overlap": 3}}
BETAS = [0.0, 0.01, 0.1, 1.0]


_PLANS: dict[str, Plan] = {}


def plan_of(folder: Path, claim: dict[str, Any], **scale: Any) -> Plan:
    """Return a plan with one claim; the same one is made once, for nothing is stored in it."""
    key = repr((claim, scale))
    if key not in _PLANS:
        _PLANS[key] = _make_plan(folder, claim, scale)
    return _PLANS[key]


def _make_plan(folder: Path, claim: dict[str, Any], scale: dict[str, Any]) -> Plan:
    common = {"id": "it", "text": "It holds.", "source": "abstract", "method": "bottleneck"}
    small: dict[str, Any] = {"datasets": ["gaussian", "skewed"], "seeds": 5}
    small["methods"] = ["bottleneck", "mse", "vib"]
    small |= scale
    small.setdefault("sweep", {"datasets": ["gaussian", "skewed"], "seeds": small["seeds"]})
    claims = [common | {"over": ["gaussian", "skewed"]} | claim]
    changes = {"scales": {"small": small}, "metrics": COMMENSURABLE}
    return made_up_plan(folder, claims=claims, **changes)


def judged(plan: Plan, values: Values, state: Callable[[Trial], str] = lambda _: "done") -> Any:
    records = [
        TrialRecord(
            trial,
            TrialFolder(plan.paths.trials / trial.trial_id),
            state(trial),  # type: ignore[arg-type]
            metrics={} if state(trial) in ("missing", "failed") else values(trial),
        )
        for trial in plan.trials
    ]
    (verdict,) = decide(plan, aggregate(plan, records))
    return verdict


def level(error: dict[str, float], noise: float = 0.01) -> Values:
    """Return values that differ by method, with noise of their own per run."""

    def values(trial: Trial) -> dict[str, float]:
        setting = trial.setting
        place = (ALL.index(setting.method), len(setting.dataset), BETAS.index(beta_of(trial)))
        rmse = error[setting.method] + np.random.default_rng([trial.seed, *place]).normal(0, noise)
        return metrics_from(rmse, trial)

    return values


def beta_of(trial: Trial) -> float:
    return float(trial.setting.swept.get("beta", 0.01))


def metrics_from(rmse: float, trial: Trial) -> dict[str, float]:
    beta = beta_of(trial)
    wiggle = 1 + 0.01 * math.sin(trial.seed)
    levels = {f"fgsm_rmse@{e:g}": rmse * (e / 0.1) ** (0.5 * wiggle) for e in (0.05, 0.1, 0.2)}
    cost = 0.7 - 0.25 * beta / (beta + 0.1)
    return {"rmse": rmse, "information": -rmse, "compression": cost, **levels}


ALL = ("bottleneck", "mse", "vib", "nib", "hsic", "released", "symmetric")


def errors(**changes: float) -> dict[str, float]:
    return dict.fromkeys(ALL, 1.0) | changes


def crossing(direction: float) -> Values:
    """The method's lead over VIB goes from −0.4 to 0.4 along beta, or the other way."""

    def values(trial: Trial) -> dict[str, float]:
        metrics = level(errors())(trial)
        if trial.setting.method == "bottleneck":
            metrics["rmse"] -= direction * (BETAS.index(beta_of(trial)) - 1.5) * 0.27
        return metrics

    return values


GOOD: dict[str, Values] = {
    **dict.fromkeys(KINDS, level(errors(bottleneck=0.5, mse=0.6))),
    "equivalent": level(errors()),
    "crossing": crossing(1.0),
    "trend": crossing(-1.0),
}
BAD: dict[str, Values] = {
    **dict.fromkeys(KINDS, level(errors(bottleneck=1.5, mse=0.6))),
    "equivalent": level(errors(bottleneck=3.0)),
    "crossing": crossing(-1.0),
    "trend": crossing(1.0),
}
NEEDS_MANY_SEEDS = ("permutation", "wilcoxon", "sign")


def _flat(trial: Trial) -> dict[str, float]:
    """Falls where the claim says that it rises, at an exponent below the bound."""
    metrics = level(errors())(trial)
    for e in (0.05, 0.1, 0.2):
        metrics[f"fgsm_rmse@{e:g}"] = metrics["rmse"] * e**-0.5 + 0.01 * math.sin(trial.seed + e)
    return metrics


def _steeper_on_one(trial: Trial) -> dict[str, float]:
    """Has another exponent on one of the two data sets, by 0.5."""
    metrics = level(errors())(trial)
    if trial.setting.dataset == "gaussian":
        for e in (0.05, 0.1, 0.2):
            metrics[f"fgsm_rmse@{e:g}"] *= e**0.5
    return metrics


BAD |= {"rises": _flat, "fit": _flat, "alike": _steeper_on_one}


@pytest.mark.parametrize("kind", KINDS)
def test_what_clearly_holds_is_supported(tmp_path: Path, kind: str) -> None:
    seeds = 9 if kind in NEEDS_MANY_SEEDS else 5
    verdict = judged(plan_of(tmp_path, KINDS[kind], seeds=seeds), GOOD[kind])
    assert verdict.verdict == "supported", verdict.sentence
    assert verdict.estimate is not None
    assert all(finding.favourable for finding in verdict.findings)
    if kind not in NEEDS_MANY_SEEDS:
        assert verdict.interval is not None


@pytest.mark.parametrize("kind", KINDS)
def test_the_clear_opposite_contradicts(tmp_path: Path, kind: str) -> None:
    seeds = 9 if kind in NEEDS_MANY_SEEDS else 5
    verdict = judged(plan_of(tmp_path, KINDS[kind], seeds=seeds), BAD[kind])
    assert verdict.verdict == "contradicted", verdict.sentence
    assert not any(
        finding.favourable for finding in verdict.findings if finding is verdict.deciding
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("state", ["missing", "failed", "stale", "running"])
def test_a_run_that_is_not_there_leaves_it_undecided(tmp_path: Path, kind: str, state: str) -> None:
    def one(trial: Trial) -> str:
        mine = trial.setting.method == "bottleneck" and trial.setting.dataset == "gaussian"
        return state if mine and trial.seed == 2 else "done"

    verdict = judged(plan_of(tmp_path, KINDS[kind]), GOOD[kind], one)
    assert verdict.verdict == "undecided"
    assert f"1 {state}" in verdict.sentence


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("worst", [math.nan, math.inf])
def test_a_diverged_run_of_the_method_is_never_supported(
    tmp_path: Path, kind: str, worst: float
) -> None:
    def values(trial: Trial) -> dict[str, float]:
        metrics = GOOD[kind](trial)
        diverged = trial.setting.method == "bottleneck" and trial.seed == 1
        return dict.fromkeys(metrics, worst) if diverged else metrics

    verdict = judged(plan_of(tmp_path, KINDS[kind], seeds=12), values)
    assert verdict.verdict != "supported", verdict.sentence


@pytest.mark.parametrize("kind", KINDS)
def test_one_seed_decides_nothing(tmp_path: Path, kind: str) -> None:
    scale = {"seeds": 1, "sweep": {"datasets": ["gaussian", "skewed"], "seeds": 1}}
    verdict = judged(plan_of(tmp_path, KINDS[kind], **scale), GOOD[kind])
    assert verdict.verdict == "undecided"
    assert verdict.test.p == 1


SENTENCES = {
    "better": "CS-IB is better in all 2 comparisons; the weakest is VIB on",
    "margin": "CS-IB is better by more than 0.05 in all 2 comparisons",
    "share": "CS-IB is better by more than 5 % of its value in all",
    "mean": "CS-IB is significantly better than VIB on the mean of 2 data sets",
    "at_least": "CS-IB is better on at least 1 of 2 data sets; VIB on",
    "ratio": "CS-IB's Test RMSE is at most 0.9 times its rival's in all 2 comparisons",
    "gap_closed": "CS-IB closes at least 50 % of the gap to MSE in all 2 comparisons",
    "equivalent": "CS-IB differs by less than 0.5 in all 2 comparisons",
    "rises": "CS-IB's RMSE under FGSM rises in all 4 comparisons",
    "trend": "CS-IB's advantage in Test RMSE falls in all 2 comparisons",
    "crossing": "CS-IB is worse at the start and better at the end, as claimed, in all 4",
    "fit": "The exponent of the power law fitted to RMSE under FGSM is at least 0.2 in all 2",
    "alike": "The exponent of the power law fitted to RMSE under FGSM differs between CS-IB on",
}


@pytest.mark.parametrize("kind", SENTENCES)
def test_a_verdict_is_one_sentence_in_plain_words(tmp_path: Path, kind: str) -> None:
    verdict = judged(plan_of(tmp_path, KINDS[kind]), GOOD[kind])
    assert verdict.sentence.startswith(SENTENCES[kind]), verdict.sentence
    assert "p of the claim" in verdict.sentence
    assert verdict.sentence.endswith(".")
    against = judged(plan_of(tmp_path, KINDS[kind]), BAD[kind])
    assert "significantly" in against.sentence


def test_a_margin_that_is_not_reached_contradicts_though_the_method_is_better(
    tmp_path: Path,
) -> None:
    plan = plan_of(tmp_path, BETTER | {"margin": "0.2"})
    verdict = judged(plan, level(errors(bottleneck=0.9), noise=0.001))
    assert verdict.verdict == "contradicted"
    assert verdict.estimate > 0
    assert "not better than" in verdict.sentence
    assert "by 0.2" in verdict.sentence


def test_at_least_one_of_two_may_lose_the_other(tmp_path: Path) -> None:
    def values(trial: Trial) -> dict[str, float]:
        good = trial.setting.dataset == "gaussian"
        return (GOOD if good else BAD)["better"](trial)

    assert judged(plan_of(tmp_path, KINDS["at_least"]), values).verdict == "supported"
    both = judged(plan_of(tmp_path, BETTER | {"on": {"at_least": 2}}), values)
    assert both.verdict == "contradicted"
    assert "rule out 2" in both.sentence


def test_more_data_sets_than_the_scale_has_cannot_be_asked_for(tmp_path: Path) -> None:
    claim = BETTER | {"on": {"at_least": 3}, "over": "datasets"}
    verdict = judged(plan_of(tmp_path, claim), GOOD["better"])
    assert verdict.verdict == "undecided"
    assert "3 data sets are asked for, and 2 can be tested at this scale" in verdict.sentence


def test_a_gap_that_is_not_there_is_undecided_with_that_reason(tmp_path: Path) -> None:
    verdict = judged(plan_of(tmp_path, KINDS["gap_closed"]), level(errors(bottleneck=0.5)))
    assert verdict.verdict == "undecided"
    assert "MSE is not clearly better than VIB" in verdict.sentence


def test_a_test_that_cannot_reach_the_level_is_refused(tmp_path: Path) -> None:
    verdict = judged(plan_of(tmp_path, KINDS["sign"], seeds=4), GOOD["sign"])
    assert verdict.verdict == "undecided"
    assert "cannot decide" in verdict.sentence


def test_a_curve_of_levels_needs_no_sweep(tmp_path: Path) -> None:
    scale = {"sweep": {"datasets": [], "seeds": 0}}
    assert judged(plan_of(tmp_path, KINDS["rises"], **scale), GOOD["rises"]).verdict == "supported"
    none = judged(plan_of(tmp_path, KINDS["crossing"], **scale), GOOD["crossing"])
    assert none.verdict == "undecided"
    assert "no sweep at this scale" in " ".join(none.left_out)


def test_crossing_between_two_values_of_the_axis(tmp_path: Path) -> None:
    claim = KINDS["crossing"] | {"between": [0.01, 0.1], "than": ["vib", "mse"]}
    verdict = judged(plan_of(tmp_path, claim), crossing(1.0))
    assert verdict.verdict == "supported"
    assert {finding.place.rpartition(" at ")[2] for finding in verdict.findings} == {"0.01", "0.1"}
    assert {finding.rival for finding in verdict.findings} == {"vib", "mse"}


def test_a_second_stage_is_judged_by_its_own_seeds_and_family(tmp_path: Path) -> None:
    """Seeds need not start at 0, and the family are the claims that were taken on."""
    plan = plan_of(tmp_path, KINDS["frontier"])
    claim = plan.spec.claims[0]
    shifted = [Trial(trial.setting, trial.seed + 40) for trial in plan.trials]
    values = GOOD["frontier"]
    records = [
        TrialRecord(t, TrialFolder(plan.paths.trials / t.trial_id), "done", metrics=values(t))
        for t in shifted
    ]
    (verdict,) = decide(plan, aggregate(plan, records), claims=[claim])
    assert verdict.verdict == "supported"
    assert verdict.family == 1
    assert decide(plan, aggregate(plan, records), claims=[]) == []


def test_a_plan_says_what_its_seeds_can_show(tmp_path: Path) -> None:
    texts = {kind: dict(detectable(plan_of(tmp_path, KINDS[kind])))["it"] for kind in KINDS}
    assert texts["better"].startswith("5 seeds, level 0.05: a difference of ")
    assert "standard deviations of the paired difference" in texts["better"]
    assert "cannot decide" in texts["sign"]
    one = plan_of(tmp_path, BETTER, seeds=1, sweep={"datasets": [], "seeds": 0})
    assert "one seed cannot be tested" in dict(detectable(one))["it"]
    many = plan_of(tmp_path, BETTER, seeds=50)
    assert float(_size(dict(detectable(many))["it"])) < float(_size(texts["better"])) / 3


@pytest.mark.parametrize("kind", ["better", "sign", "permutation", "wilcoxon", "welch"])
def test_a_plan_counts_every_test_that_the_verdict_needs(tmp_path: Path, kind: str) -> None:
    plan = plan_of(tmp_path, KINDS[kind], seeds=8)
    size = float(_size(dict(detectable(plan))["it"]))
    expected = smallest_detectable(8, 0.05, test=plan.spec.claims[0].test)
    assert size == pytest.approx(expected, abs=0.051)
    assert (kind == "welch") == (expected == smallest_detectable(8, 0.05, test="welch"))


def _size(text: str) -> str:
    return text.partition("difference of ")[2].partition(" ")[0]


def test_a_claim_needs_its_method_rivals_and_reference_on_its_data_sets(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, KINDS["gap_closed"] | {"over": ["gaussian", "diabetes"]})
    assert settings_of(plan.spec.claims[0], plan) == {
        ("gaussian", name) for name in ("bottleneck", "vib", "mse")
    }


STRANGE = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, math.nan, math.inf, -math.inf, 1e300, -1e300, 1e-300]),
    st.floats(width=64),
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.parametrize("kind", KINDS)
def test_any_numbers_give_a_verdict_and_no_error(
    tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    seeds = data.draw(st.integers(1, 4))
    sweep = {"datasets": ["gaussian", "skewed"], "seeds": data.draw(st.integers(0, seeds))}
    plan = plan_of(tmp_path, KINDS[kind], seeds=seeds, sweep=sweep)
    pool = data.draw(st.lists(STRANGE, min_size=3, max_size=8))
    random = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    names = [name for name in plan.spec.metric_names() if name != "rmse_noise_free"]

    def values(trial: Trial) -> dict[str, float]:
        drawn = {name: pool[random.integers(len(pool))] for name in names}
        broken.extend((trial, name) for name, v in drawn.items() if not math.isfinite(v))
        return drawn

    broken: list[tuple[Trial, str]] = []
    verdict = judged(plan, values)
    assert verdict.verdict in ("supported", "contradicted", "undecided")
    assert 0 <= verdict.test.p <= 1
    assert verdict.sentence.endswith(".")
    if any(_counts(kind, trial, name) for trial, name in broken):
        assert verdict.verdict != "supported", verdict.sentence


def _counts(kind: str, trial: Trial, metric: str) -> bool:
    """Say whether the claim rests on a value of its method, so that it may not diverge."""
    claim, setting = KINDS[kind], trial.setting
    if kind in ("at_least", "crossing"):  # these may pass over a data set, or a middle value
        return False
    curve = claim["kind"] == "frontier" or claim.get("along") == "beta"
    judged_by = metric in (claim["metric"], claim.get("cost"))
    judged_by |= claim.get("along") == "level" and metric.startswith(claim["metric"])
    return judged_by and setting.method == "bottleneck" and (setting.in_table or curve)


NOT_BETTER = [
    kind
    for kind, claim in KINDS.items()
    if claim["kind"] in ("better", "frontier", "ratio", "gap_closed")
]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.parametrize("kind", NOT_BETTER)
def test_a_method_that_is_nowhere_better_is_never_supported(
    tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    """All its values are worse or equal; diverged and missing ones may be among them."""
    seeds = data.draw(st.integers(1, 8))
    sweep = {"datasets": ["gaussian", "skewed"], "seeds": seeds}
    plan = plan_of(tmp_path, KINDS[kind], seeds=seeds, sweep=sweep)
    # A ratio of negative numbers is small where the method is worse.
    least = 1e-3 if kind == "ratio" else -1e6
    base = data.draw(st.lists(st.floats(least, 1e6), min_size=8, max_size=8))
    worse = data.draw(st.lists(st.one_of(st.just(0.0), st.floats(0, 1e3)), min_size=8, max_size=8))
    gone = data.draw(st.sampled_from(["none", "nan", "infinite", "missing"]))
    when = data.draw(st.integers(0, seeds - 1))

    def values(trial: Trial) -> dict[str, float]:
        ours = trial.setting.method == "bottleneck"
        error = base[trial.seed] + (worse[trial.seed] if ours else 0.0)
        if ours and trial.seed == when:
            error = {"nan": math.nan, "infinite": math.inf}.get(gone, error)
        return metrics_from(error, trial)

    def state(trial: Trial) -> str:
        return "missing" if gone == "missing" and trial.seed == when else "done"

    verdict = judged(plan, values, state)
    assert verdict.verdict != "supported", verdict.sentence


def test_what_no_run_has_a_value_of_is_said_so(tmp_path: Path) -> None:
    """A task leaves out what means nothing on a data set."""
    plan = made_up_plan(tmp_path)
    for trial in plan.trials:
        store_result(plan, trial, {"rmse": 0.5 + 0.01 * trial.seed})
    verdicts = {v.claim.id: v for v in decide(plan, aggregate(plan, plan.records()))}
    assert verdicts["robust"].verdict == "undecided"
    first = "no run of CS-IB on Diabetes has a value of RMSE under FGSM"
    assert first in verdicts["robust"].reasons


def test_a_verdict_names_what_all_seeds_share_of_its_data_sets(tmp_path: Path) -> None:
    datasets = SPEC["datasets"] | {
        name: SPEC["datasets"][name] | {"shared": "the published split"}
        for name in ("gaussian", "heavy")
    }
    plan = made_up_plan(tmp_path, datasets=datasets)
    fill(plan, curves=False, troubled=False)
    verdicts = {v.claim.id: v for v in decide(plan, aggregate(plan, plan.records()))}
    shared = "It is conditional on what all seeds share: the published split"
    assert f"{shared} (Gaussian noise, Heavy tails)." in verdicts["lower-error"].sentence
    assert f"{shared} (Gaussian noise)." in verdicts["beats-mse"].sentence
    without = made_up_plan(tmp_path / "without")
    fill(without, curves=False, troubled=False)
    for verdict in decide(without, aggregate(without, without.records())):
        assert "all seeds share" not in verdict.sentence
