"""The wiring: specs, trials and verdicts as a report makes them; every claim is just false."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from report_fixtures import COMMENSURABLE, made_up_plan

from repro.cells.aggregate import Aggregate, aggregate
from repro.claims import ALPHA, ClaimVerdict, decide
from repro.errors import UserError
from repro.planning.plan import Plan
from repro.settle import plan_stage, second_plan, stage_claims
from repro.trials.store import TrialFolder, TrialRecord
from repro.trials.trial import Setting
from simulation.conditions import (
    RESPLIT,
    Numbers,
    Random,
    lognormal,
    normal,
    some_diverged,
    together,
)
from simulation.rates import Rate, repeat

TITLE = "From spec to verdict"
TEXT = """\
Two families in one spec, the paper's twelve claims of every kind and two controls, judged by
`decide` from made-up trials: three data sets with normal, with lognormal and with re-split noise,
seeds that share noise between methods, sweeps of four values. The second stage is planned, drawn
and judged by the functions that `SETTLE=1` runs; only the trials themselves are made up."""

REPETITIONS = 400
_PAPER = "any false verdict among the paper's 12 claims"
_CONTROL = "any false verdict among 2 controls"
_SECOND = "any false verdict of the second stage"

#: Mean error of each method: where a claim has a bound, the truth lies on it.
_LEVELS = {"released": 1.25, "hsic": 1.5, "symmetric": 0.5}
_SD = 0.1

_CLAIMS: dict[str, dict[str, Any]] = {
    "better": {"than": "vib"},
    "each": {"than": ["vib", "nib", "hsic"]},
    "at-least": {"than": "nib", "over": ["gaussian", "skewed"], "on": {"at_least": 1}},
    "mean": {"than": "nib", "over": ["gaussian", "skewed"], "on": "mean"},
    "margin": {"than": "released", "margin": "0.25", "over": "skewed"},
    "ratio": {"kind": "ratio", "than": "released", "at_most": 0.8},
    "gap": {"kind": "gap_closed", "than": "hsic", "reference": "symmetric", "at_least": 0.5},
    "equivalent": {"kind": "equivalent", "than": "released", "margin": "0.25"},
    "rises": {"kind": "monotone", "along": "beta", "direction": "rises"},
    "crosses": {"kind": "crossing", "along": "beta", "than": "vib"},
    "slope": {
        "kind": "fit",
        "along": "beta",
        "form": "linear",
        "parameter": "slope",
        "at_least": 0.0,
    },
    "frontier": {
        "kind": "frontier",
        "metric": "information",
        "cost": "compression",
        "budgets": [0.6],
        "than": "vib",
    },
    "control": {"than": "mse", "ours": True},
    "re-split control": {"than": "mse", "over": "diabetes", "ours": True},
}


def rates() -> Iterator[Rate]:
    with TemporaryDirectory() as folder:
        for lost in (False, True):
            yield from _one_stage(Path(folder), lost=lost)
        yield _two_stages(Path(folder))


def _one_stage(folder: Path, *, lost: bool) -> Iterator[Rate]:
    plan = _plan(folder, seeds=5)

    def once(random: Random) -> dict[str, bool]:
        return _judge(plan, random, lost=lost)

    name = "10 % of all runs diverge" if lost else "every run is finite"
    tally = repeat(REPETITIONS, once, "whole", lost)
    for what in (_PAPER, _CONTROL):
        yield tally.rate(what, name, 5, ALPHA, naive="each claim at 5 %")


def _plan(folder: Path, seeds: int, claims: tuple[str, ...] = tuple(_CLAIMS)) -> Plan:
    common = {"text": "It holds.", "source": "abstract", "kind": "better", "method": "bottleneck"}
    common |= {"metric": "rmse", "over": "gaussian"}
    swept = {"datasets": ["gaussian"], "seeds": seeds}
    scale = {"datasets": ["gaussian", "skewed", "diabetes"], "seeds": seeds, "sweep": swept}
    return made_up_plan(
        folder,
        metrics=COMMENSURABLE,
        scales={"small": scale},
        claims=[common | {"id": name} | _CLAIMS[name] for name in claims],
        datasets={
            "gaussian": {"label": "Gaussian noise"},
            "skewed": {"label": "Skewed noise"},
            "diabetes": {"label": "Diabetes", "resplit": RESPLIT},
        },
    )


def _judge(plan: Plan, random: Random, *, lost: bool) -> dict[str, bool]:
    verdicts = decide(plan, made_up(plan, random, lost=lost))
    outcomes = {}
    for name, ours in ((_PAPER, False), (_CONTROL, True)):
        family = [verdict for verdict in verdicts if verdict.claim.ours == ours]
        outcomes[name] = _any_decided(family)
        outcomes[f"naive {name}"] = min(verdict.test.p for verdict in family) <= ALPHA
    return outcomes


def _two_stages(folder: Path) -> Rate:
    """Return the rate of the second stage: of five plain claims, on the seeds it asks for."""
    claims = ("better", "mean", "margin", "equivalent", "ratio")
    plan = _plan(folder, 5, claims)

    def once(random: Random) -> dict[str, bool]:
        plan.paths.second_stage.unlink(missing_ok=True)
        try:
            stage = plan_stage(plan, made_up(plan, random))
        except UserError:
            return {}
        second = second_plan(plan)
        assert second is not None
        family = stage_claims(plan, stage)
        verdicts = decide(second, made_up(second, random), family)
        return {"planned": True, _SECOND: _any_decided(verdicts)}

    plan.paths.base.mkdir(parents=True, exist_ok=True)
    tally = repeat(REPETITIONS, once, "two stages")
    return tally.rate(_SECOND, "every run is finite", "5, then up to 20", ALPHA, of="planned")


def made_up(plan: Plan, random: Random, *, lost: bool = False) -> Aggregate:
    """Return the cells of made-up trials: noise of each seed is shared by all methods."""
    seeds = sorted({trial.seed for trial in plan.trials})
    noise = {name: _noise(name, random, len(seeds)) for name in plan.datasets}
    settings: dict[int, Setting] = {id(t.setting): t.setting for t in plan.trials}
    errors = {key: _errors(one, noise[one.dataset], random) for key, one in settings.items()}
    if lost:
        errors = {key: some_diverged(values, random) for key, values in errors.items()}
    records = [
        TrialRecord(
            trial,
            TrialFolder(plan.paths.trials / trial.trial_id),
            "done",
            metrics=_metrics(trial.setting, float(errors[id(trial.setting)][place]), random),
        )
        for trial, place in ((trial, seeds.index(trial.seed)) for trial in plan.trials)
    ]
    return aggregate(plan, records)


def _noise(dataset: str, random: Random, n: int) -> Numbers:
    return (lognormal if dataset == "skewed" else normal)(random, n)


def _errors(setting: Setting, shared: Numbers, random: Random) -> Numbers:
    own = _noise(setting.dataset, random, shared.size)
    if setting.dataset == "diabetes":
        own = together(float(random.normal()), own)
    return _LEVELS.get(setting.method, 1.0) + _SD * (shared + own) / np.sqrt(2)


def _metrics(setting: Setting, error: float, random: Random) -> dict[str, float]:
    beta = setting.swept.get("beta", 0.01)
    cost = 0.7 - 0.25 * (beta / (beta + 0.1)) + random.normal(0, 0.002)
    return {"rmse": error, "information": 3 - error, "compression": cost}


def _any_decided(verdicts: list[ClaimVerdict]) -> bool:
    return any(verdict.verdict in ("supported", "contradicted") for verdict in verdicts)
