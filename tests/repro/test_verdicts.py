"""Verdicts on claims: what is supported, contradicted, undecided, and why."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_fixtures import SPEC, made_up_plan, metrics_of

from repro.cells.aggregate import aggregate
from repro.cells.verdicts import judge
from repro.claims import ClaimVerdict, decide, headline
from repro.errors import UserError
from repro.planning.plan import Plan
from repro.spec import Reported
from repro.trials.store import TrialFolder, TrialRecord
from repro.trials.trial import Trial

Values = Callable[[Trial], dict[str, float]]


def judged(plan: Plan, values: Values, missing: Callable[[Trial], bool] = lambda _: False) -> Any:
    """Return the verdicts by claim, from made-up records without a store."""
    records = [
        TrialRecord(
            trial,
            TrialFolder(plan.paths.trials / trial.trial_id),
            "missing" if missing(trial) else "done",
            metrics={} if missing(trial) else values(trial),
        )
        for trial in plan.trials
    ]
    return {verdict.claim.id: verdict for verdict in decide(plan, aggregate(plan, records))}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return made_up_plan(tmp_path)


def made_up(trial: Trial) -> dict[str, float]:
    return metrics_of(trial, np.random.default_rng([trial.seed, len(trial.setting.method)]))


def swapped(trial: Trial) -> dict[str, float]:
    """The method is far worse than everything else."""
    metrics = made_up(trial)
    if trial.setting.method == "bottleneck":
        metrics["rmse"] += 0.5
    return metrics


def test_a_clear_advantage_is_supported(plan: Plan) -> None:
    verdict = judged(plan, made_up)["lower-error"]
    assert verdict.verdict == "supported"
    assert verdict.family == 4
    assert {finding.metric for finding in verdict.findings} == {"rmse", "rmse_noise_free"}
    assert verdict.deciding.interval[0] > 0
    assert "better in all 4 comparisons" in verdict.sentence


def test_a_clear_disadvantage_contradicts(plan: Plan) -> None:
    verdict = judged(plan, swapped)["lower-error"]
    assert verdict.verdict == "contradicted"
    assert verdict.deciding.interval[1] < 0
    assert "significantly worse" in verdict.sentence


def test_the_two_families_are_corrected_apart(plan: Plan) -> None:
    verdicts = judged(plan, made_up)
    assert verdicts["estimator"].family == 1
    assert verdicts["estimator"].p_holm == verdicts["estimator"].test.p


def test_a_missing_trial_leaves_the_claims_that_need_it_undecided(plan: Plan) -> None:
    verdicts = judged(
        plan, made_up, lambda t: t.setting.method == "vib" and t.setting.dataset == "heavy"
    )
    verdict = verdicts["lower-error"]
    assert verdict.verdict == "undecided"
    assert verdict.test.p == 1
    assert "VIB on Heavy tails has 0 of 5 trials (5 missing)" in verdict.sentence
    assert verdicts["trade-off"].verdict == "supported"


def test_a_diverged_run_of_the_method_is_never_supported(plan: Plan) -> None:
    def values(trial: Trial) -> dict[str, float]:
        diverged = trial.setting.method == "bottleneck" and trial.seed == 1
        return dict.fromkeys(made_up(trial), math.nan) if diverged else made_up(trial)

    assert all(v.verdict == "undecided" for v in judged(plan, values).values())


def test_a_frontier_names_the_budgets_outside_both_curves(plan: Plan) -> None:
    verdict = judged(plan, made_up)["trade-off"]
    assert {finding.budget for finding in verdict.findings} == {0.5}
    assert {finding.comparison.n for finding in verdict.findings} == {3}
    assert any("5 against VIB" in text for text in verdict.left_out)
    assert "Left out: Dependence of T on X 0.3 against VIB" in verdict.sentence


def _with_claim(folder: Path, **changes: Any) -> Plan:
    claims = [claim | changes for claim in SPEC["claims"] if claim["id"] == "trade-off"]
    return made_up_plan(folder, claims=claims)


def test_a_frontier_without_a_common_budget_is_undecided(tmp_path: Path) -> None:
    verdict = judged(_with_claim(tmp_path, budgets=[9.0]), made_up)["trade-off"]
    assert verdict.verdict == "undecided"
    assert "no declared budget lies within both curves" in verdict.sentence


def test_a_frontier_needs_a_sweep_on_both_sides(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'mse' has no parameter with a sweep"):
        _with_claim(tmp_path, than=["mse"])


def test_a_data_set_without_a_meaningful_mean_is_refused_and_named(tmp_path: Path) -> None:
    claims = [c | {"metric_for": {}} for c in SPEC["claims"] if c["id"] == "lower-error"]
    verdict = judged(made_up_plan(tmp_path, claims=claims), made_up)["lower-error"]
    assert verdict.left_out == ("Heavy tails (Test RMSE has no meaningful mean there)",)
    assert {finding.dataset for finding in verdict.findings} == {"gaussian"}


def test_what_a_scale_cannot_test_stays_in_the_family(tmp_path: Path) -> None:
    scale = {"datasets": ["gaussian"], "seeds": 5}
    plan = made_up_plan(tmp_path, scales={"small": scale})
    verdicts = judged(plan, made_up)
    assert verdicts["trade-off"].verdict == "undecided"
    assert verdicts["trade-off"].left_out[0] == "1 data set of other scales"
    assert verdicts["lower-error"].family == 4


def test_a_partial_selection_decides_nothing(plan: Plan) -> None:
    partial = dataclasses.replace(plan, partial=True)
    verdicts = judged(partial, made_up)
    assert {verdict.verdict for verdict in verdicts.values()} == {"not decided"}
    assert "partial" in headline(partial, list(verdicts.values()))


def test_the_headline_counts_the_papers_claims(plan: Plan) -> None:
    verdicts: list[ClaimVerdict] = list(judged(plan, made_up).values())
    assert headline(plan, verdicts).startswith(
        "At small scale (direction only): of the paper's 4 claims"
    )


def test_the_headline_counts_the_cells_beside_printed_numbers(plan: Plan) -> None:
    """One sentence, in which each verdict on a cell stands once."""
    paper = dataclasses.replace(plan, scale_name="paper")
    verdicts = list(judged(plan, made_up).values())
    number = Reported("gaussian", "mse", "rmse", "0.4", "Table 2", n=5, spread="0.01")
    number.spread_kind, number.margin = "sd", "0.1"
    near, far = ([value, value + 0.01, value - 0.01] for value in (0.4, 0.9))
    metric = plan.spec.metric("rmse")
    cells = [judge(values, number, metric) for values in (near, near, far, near[:1])]
    assert [cell.verdict for cell in cells] == ["reproduced"] * 2 + ["falls short", "single run"]
    sentence = headline(paper, verdicts, cells)
    assert sentence.startswith("At paper scale: of the paper's 4 claims ")
    assert sentence.endswith(
        "; beside the paper's 4 printed numbers 2 cells read reproduced, 1 falls short and "
        "1 single run."
    )
    assert sentence.count(". ") == 0
    one = headline(paper, [], cells[:1])
    assert one.endswith("to decide; beside the paper's one printed number 1 cell reads reproduced.")
    partial = dataclasses.replace(paper, partial=True)
    assert headline(partial, [], cells).endswith("so nothing is decided.")
    assert "printed" not in headline(paper, verdicts)


def _spread(advantages: dict[str, list[float]]) -> Values:
    """Return values in which the method leads each rival by the given numbers, seed by seed."""

    def values(trial: Trial) -> dict[str, float]:
        lead = advantages.get(trial.setting.method)
        return {"rmse": 1.0 + (lead[trial.seed] if lead else 0.0)}

    return values


def _two_rivals(folder: Path, seeds: int) -> Plan:
    claim = {"id": "both", "text": "Better than both.", "source": "abstract", "kind": "better"}
    claim |= {"method": "bottleneck", "metric": "rmse", "than": ["vib", "hsic"], "over": "gaussian"}
    scale = {"datasets": ["gaussian"], "seeds": seeds}
    return made_up_plan(folder, scales={"small": scale}, claims=[claim])


def test_every_interval_has_its_share_of_the_familys_error(plan: Plan) -> None:
    for verdict in judged(plan, made_up).values():
        tail = 0.05 / (2 * verdict.family * len(verdict.findings))
        for finding in verdict.findings:
            assert finding.interval == finding.comparison.interval(tail, tail)


def test_support_although_an_interval_reaches_bound_is_explained(tmp_path: Path) -> None:
    """A t of about 3: enough for 2.5 % in one tail, not for half of that in each of two."""
    lead = [0.05, 0.02, 0.04, 0.01, 0.08]
    plan = _two_rivals(tmp_path, 5)
    verdict = judged(plan, _spread({"vib": lead, "hsic": [0.5 + value for value in lead]}))["both"]
    assert verdict.verdict == "supported"
    assert verdict.deciding.interval[0] < 0
    assert "p of the claim 0.0" in verdict.sentence
    assert "covers the whole family's comparisons at once" in verdict.sentence


def test_undecided_although_no_interval_reaches_bound_is_explained(tmp_path: Path) -> None:
    """One outlier the wrong way in seven: t is small enough, the sign test is not."""
    lead = [0.5, 0.52, 0.48, 0.51, 0.49, 0.5, -0.01]
    plan = _two_rivals(tmp_path, 7)
    verdict = judged(plan, _spread({"vib": lead, "hsic": lead}))["both"]
    assert verdict.verdict == "undecided"
    assert verdict.deciding.interval[0] > 0
    assert "the sign test beside it does not reach the level" in verdict.sentence


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_sentence_verdict_and_interval_never_disagree(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    seeds = data.draw(st.integers(2, 8))
    leads = st.lists(st.floats(-1, 1).map(lambda x: round(x, 2)), min_size=seeds, max_size=seeds)
    shift = data.draw(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0]))
    rivals = {name: [x + shift for x in data.draw(leads)] for name in ("vib", "hsic")}
    plan = _two_rivals(tmp_path_factory.mktemp("words"), seeds)
    verdict = judged(plan, _spread(rivals))["both"]
    ends = [f.interval for f in verdict.findings if f.interval is not None]
    if verdict.verdict == "supported":
        assert all(high > 0 for _, high in ends)
    if verdict.verdict == "contradicted":
        assert verdict.deciding.interval is not None
        assert verdict.deciding.interval[0] < 0
    explained = ("at once; the test need not" in verdict.sentence) or (
        "by t alone; the sign test" in verdict.sentence
    )
    interval = verdict.deciding.interval
    if interval is not None and not verdict.reasons:
        decided = verdict.verdict in ("supported", "contradicted")
        assert explained == (decided == verdict.deciding.reaches_bound)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_strange_metrics_never_support_a_claim(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Each seed's value is the same for every method, diverged, or missing: nothing is better."""
    scale = {"datasets": ["gaussian", "heavy"], "seeds": data.draw(st.integers(1, 6))}
    scale["sweep"] = {"datasets": ["gaussian"], "seeds": 1}
    plan = made_up_plan(tmp_path_factory.mktemp("strange"), scales={"small": scale})
    shared = data.draw(st.lists(st.floats(width=64), min_size=6, max_size=6))
    strange = st.sampled_from(["same", "nan", "infinite", "missing"])
    fates = {trial.trial_id: data.draw(strange) for trial in plan.trials}

    def values(trial: Trial) -> dict[str, float]:
        value = {"nan": math.nan, "infinite": math.inf}.get(
            fates[trial.trial_id], shared[trial.seed]
        )
        return dict.fromkeys(plan.spec.metric_names(), value)

    verdicts = judged(plan, values, lambda trial: fates[trial.trial_id] == "missing")
    assert all(verdict.verdict != "supported" for verdict in verdicts.values())
