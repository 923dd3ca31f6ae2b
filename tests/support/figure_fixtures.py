"""Figures of every kind over the made-up trials, and what those trials must have beside metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_fixtures import FIGURES, SPEC, fill, made_up_plan, store_result, write_yaml

from repro import paths
from repro.cells.aggregate import aggregate
from repro.claims import decide
from repro.planning.plan import Plan, with_choices
from repro.report.figures.content import FigureData
from repro.report.figures.data import Source, figure_data
from repro.report.figures.spec import load_figures

_ATTACK = {"metric": "fgsm_rmse", "base": "rmse"}
_ONE = {"methods": ["bottleneck"], "datasets": ["gaussian", "skewed"]}
_LADDER = {"metric": "fgsm_rmse", "level_label": "Strength of the attack"}
_SWEPT = {"methods": ["bottleneck", "vib"], "datasets": ["gaussian", "skewed"]}

#: One figure of each kind that the reports' own made-up figures lack.
MORE_FIGURES: list[dict[str, Any]] = [
    {"id": "error-along-beta", "kind": "sweep", "title": "Error along β", "metric": "rmse"}
    | {"sweep": "beta", "log": "x", "x_label": "β"},
    {"id": "error-bars", "kind": "bars", "title": "Test error", "metric": "rmse"},
    {"id": "cloud", "kind": "scatter", "title": "Error against compression"}
    | {"x": "compression", "y": "rmse", "datasets": ["gaussian", "skewed"]},
    {"id": "settings", "kind": "scatter", "title": "Every setting", "per": "setting"}
    | {"x": "compression", "y": "information", **_SWEPT},
    {"id": "fitted-attack", "kind": "fit", "title": "Error under attack, fitted"}
    | {**_ATTACK, "form": "linear", "datasets": ["gaussian", "skewed"]},
    {"id": "attack-residuals", "kind": "residuals", "title": "What the fits leave", "log": "x"}
    | {**_ATTACK, "forms": ["linear", "exponential"], **_ONE},
    {"id": "attack-likelihood", "kind": "likelihood", "title": "How steep?", "truth": 0.0}
    | {**_ATTACK, "form": "linear", "parameter": "slope", **_ONE},
    {"id": "ladder", "kind": "ladder", "title": "Loss against compute", **_LADDER, **_ONE}
    | {"against": "compute", "form": "power_law", "from_share": 0.2, "log": "x"},
    {"id": "ladder-steps", "kind": "ladder", "title": "Loss against steps", **_LADDER, **_ONE},
    {"id": "best-level", "kind": "optimum", "title": "Best level", **_LADDER, **_ONE}
    | {"log": "xy", "x_label": "Compute"},
    {"id": "advantage", "kind": "advantage", "title": "Lower error?", "claim": "robust"},
    {"id": "advantage-budgets", "kind": "advantage", "title": "Trade-off?", "claim": "trade-off"},
    {"id": "digits", "kind": "images", "title": "Digits", "files": ["input.png", "recon.png"]}
    | {"methods": ["bottleneck", "vib", "nib"], "datasets": ["gaussian", "skewed"]},
    {"id": "tuning", "kind": "tuning", "title": "Tuning"},
    {"id": "profile", "kind": "profile", "title": "Performance profile", "overall": "profile"},
]
ALL_FIGURES = [*FIGURES["figures"], *MORE_FIGURES]

_RANGE = {"low": 0.001, "high": 0.1, "log": True}
TUNING: dict[str, Any] = {
    "budget": 4,
    "seeds": [1000],
    "select": {"metric": "validation_rmse"},
    "space": {
        method: {"learning_rate": _RANGE} if method in ("mse", "nib") else {}
        for method in SPEC["methods"]
    },
}
OVERALL = [{"id": "profile", "metric": "rmse", "statistic": "profile", "relative_to": "mse"}]


def figure_plan(folder: Path, **changes: Any) -> Plan:
    """Return a plan whose spec has what figures of every kind need."""
    return made_up_plan(folder, **{"overall": OVERALL, **changes})


def tuned_plan(folder: Path) -> Plan:
    """Return a plan with tuning whose trials are done: one diverged, one not run."""
    validation = {"label": "RMSE on validation data", "better": "lower"}
    metrics = SPEC["metrics"] | {"validation_rmse": validation}
    plan = figure_plan(folder, tuning=TUNING, metrics=metrics)
    for place, trial in enumerate(plan.tuning_trials):
        if place == 3:
            continue
        score = float("nan") if place == 1 else 0.3 + 0.013 * (7 * place % 11)
        store_result(plan, trial, {"validation_rmse": score})
    return with_choices(plan)


def store_images(plan: Plan, names: tuple[str, ...] = ("input.png", "recon.png")) -> None:
    """Write images beside the results of finished trials; VIB lacks the last of them."""
    from PIL import Image

    random = np.random.default_rng(0)
    for trial in plan.trials:
        if not plan.folder(trial).result.is_file():
            continue
        folder = plan.folder(trial).path / "artifacts"
        folder.mkdir(exist_ok=True)
        for name in names[: 1 if trial.setting.method == "vib" else None]:
            Image.fromarray(random.integers(0, 255, (28, 28), dtype=np.uint8)).save(folder / name)


def store_ladder(plan: Plan) -> None:
    """Log the levels of the error under attack, falling with level and step, as a ladder's do."""
    random = np.random.default_rng(1)
    for trial in plan.trials:
        folder = plan.folder(trial)
        if not folder.result.is_file():
            continue
        with folder.curves.open("a") as log:
            for step in (2, 5, 12, 30, 60):
                losses = {
                    f"fgsm_rmse@{level:g}": 0.4
                    + 0.05 * level**-0.5
                    + step**-0.7
                    + random.normal(0, 0.002)
                    for level in (0.05, 0.1, 0.2)
                }
                log.write(json.dumps({"step": step, **losses}) + "\n")


def drawn(
    folder: Path, plan: Plan, figures: list[dict[str, Any]] | None = None
) -> dict[str, FigureData]:
    """Return the content of ``figures`` (those of the reports' fixtures by default), by id."""
    write_yaml(folder, {"figures": FIGURES["figures"] if figures is None else figures})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "FIGURES", folder)
        specs = load_figures(plan.spec)
    data = aggregate(plan, plan.records())
    source = Source(plan, data, tuple(decide(plan, data)))
    return {spec.id: figure_data(spec, source) for spec in specs}


def diverge(plan: Plan, trial_id: str) -> None:
    """Make a stored trial one that diverged: every metric is NaN."""
    path = plan.paths.trials / trial_id / "result.json"
    result = json.loads(path.read_text())
    result["metrics"] = dict.fromkeys(result["metrics"], float("nan"))
    path.write_text(json.dumps(result))


def filled(folder: Path, *, troubled: bool = True) -> Plan:
    """Return the plan of every kind of figure, its trials and their images stored."""
    plan = figure_plan(folder)
    fill(plan, troubled=troubled)
    store_images(plan)
    store_ladder(plan)
    return plan
