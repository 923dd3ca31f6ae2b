"""Made-up trials, written to a store: every state that a cell can have is among them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from repro.planning.plan import Plan, Selection, make_plan
from repro.spec import TableSpec, load_spec
from repro.trials.fingerprint import environment
from repro.trials.store import TrialFolder, TrialRecord
from repro.trials.trial import Trial

PAPER = "made_up"

SPEC: dict[str, Any] = {
    "paper": PAPER,
    "title": "A Made-Up Bottleneck for Regression",
    "cite": {"authors": "A. Author and B. Author", "year": 2024, "arxiv": "0000.00000"},
    "task": "made_up_task.Task",
    "replication": "each seed draws its own training set",
    "metrics": {
        "rmse": {"label": "Test RMSE", "better": "lower", "decimals": 3, "table": True},
        "rmse_noise_free": {"label": "RMSE to the noise-free function", "better": "lower"},
        "fgsm_rmse": {
            "label": "RMSE under FGSM",
            "better": "lower",
            "levels": ["0.05", "0.1", "0.2"],
        },
        "information": {"label": "I(T;Y)", "better": "higher", "decimals": 2, "unit": "bits"},
        "compression": {"label": "Dependence of T on X", "better": "neither", "decimals": 2},
    },
    "methods": {
        "bottleneck": {
            "use": "made_up.Bottleneck",
            "role": "method",
            "label": "CS-IB",
            "params": {"beta": {"sweep": [0.0, 0.01, 0.1, 1.0], "table": 0.01}},
        },
        "mse": {"use": "made_up.MSE", "role": "baseline", "label": "MSE"},
        "vib": {
            "use": "made_up.VIB",
            "role": "baseline",
            "label": "VIB",
            "params": {"beta": {"sweep": [0.0, 0.01, 0.1, 1.0], "table": 0.01}},
        },
        "nib": {"use": "made_up.NIB", "role": "baseline", "label": "NIB"},
        "hsic": {"use": "made_up.HSIC", "role": "baseline", "label": "HSIC bottleneck"},
        "released": {
            "use": "made_up.Released",
            "role": "ablation",
            "label": "CS-IB, estimator as released",
        },
        "symmetric": {"use": "made_up.Symmetric", "role": "control", "label": "CS-IB, symmetric"},
    },
    "datasets": {
        "diabetes": {"label": "Diabetes", "resplit": 0.25},
        "gaussian": {"label": "Gaussian noise"},
        "skewed": {"label": "Skewed noise"},
        "heavy": {"label": "Heavy tails", "not_compared": ["rmse"], "note": "infinite variance"},
    },
    "scales": {
        "smoke": {"datasets": ["diabetes"], "seeds": 1},
        "small": {
            "datasets": ["diabetes", "gaussian", "skewed", "heavy"],
            "seeds": 5,
            "sweep": {"datasets": ["gaussian", "skewed"], "seeds": 3},
        },
    },
    "claims": [
        {
            "id": "lower-error",
            "text": "The bottleneck improves on other deep bottlenecks on every task.",
            "source": "abstract",
            "kind": "better",
            "method": "bottleneck",
            "metric": "rmse",
            "metric_for": {"heavy": "rmse_noise_free"},
            "over": ["gaussian", "heavy"],
            "than": ["vib", "hsic"],
            "tested_as": "Lower error than VIB and HSIC on two of the sets.",
        },
        {
            "id": "beats-mse",
            "text": "The prediction term does not lose to squared error.",
            "source": "Section 3",
            "kind": "better",
            "method": "bottleneck",
            "metric": "rmse",
            "than": "mse",
            "over": "gaussian",
        },
        {
            "id": "robust",
            "text": "Solutions are more robust to adversarial perturbations.",
            "source": "abstract",
            "kind": "better",
            "method": "bottleneck",
            "metric": "fgsm_rmse@0.1",
        },
        {
            "id": "trade-off",
            "text": "Always the best trade-off between prediction and compression.",
            "source": "abstract",
            "kind": "frontier",
            "method": "bottleneck",
            "metric": "information",
            "cost": "compression",
            "budgets": [0.3, 0.5, 5.0],
            "than": ["vib"],
            "over": ["gaussian", "skewed"],
        },
        {
            "id": "estimator",
            "text": "The paper's estimator is better than the released one.",
            "source": "ours",
            "kind": "better",
            "method": "bottleneck",
            "metric": "rmse",
            "than": "released",
            "over": "gaussian",
            "ours": True,
        },
    ],
    "deviations": [
        "The paper's six tasks cannot be had offline; generated sets stand in for them.",
        "Hyper-parameters were fixed on pilot seeds.",
    ],
}

FIGURES: dict[str, Any] = {
    "figures": [
        {
            "id": "information-plane",
            "kind": "frontier",
            "title": "Information plane",
            "x": "compression",
            "y": "information",
            "sweep": "beta",
            "methods": ["bottleneck", "vib"],
            "datasets": ["gaussian", "skewed"],
            "caption": "Further up and further left is better.",
        },
        {
            "id": "adversarial-error",
            "kind": "levels",
            "title": "Error under attack",
            "metric": "fgsm_rmse",
            "base": "rmse",
            "x_label": "FGSM ε (input standard deviations)",
            "caption": "Level 0 is the clean error.",
        },
        {
            "id": "training-curves",
            "kind": "curves",
            "title": "Training curves",
            "metric": "validation_rmse",
            "x_label": "Epoch",
            "y_label": "Validation RMSE",
            "methods": ["bottleneck", "mse", "vib", "nib"],
            "datasets": ["gaussian", "skewed"],
        },
        {
            "id": "error",
            "kind": "points",
            "title": "Test error",
            "metric": "rmse",
        },
    ]
}

#: The metrics of SPEC where the error means the same on every data set.
COMMENSURABLE = SPEC["metrics"] | {"rmse": SPEC["metrics"]["rmse"] | {"commensurable": True}}

_LEVEL = {"mse": 0.42, "vib": 0.47, "nib": 0.45, "hsic": 0.5, "released": 0.44, "symmetric": 0.4}
_SET = {"diabetes": 0.3, "gaussian": 0.0, "skewed": 0.35, "heavy": 0.8}


def write_spec(folder: Path, **changes: Any) -> TableSpec:
    """Write the made-up spec with top-level ``changes``; return it as loaded."""
    write_yaml(folder, {**SPEC, **changes})
    return load_spec(PAPER, folder)


def write_figures(folder: Path, kinds: tuple[str, ...] | None = None) -> None:
    kept = [f for f in FIGURES["figures"] if kinds is None or f["kind"] in kinds]
    write_yaml(folder, {"figures": kept})


def write_yaml(folder: Path, content: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{PAPER}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def made_up_plan(folder: Path, scale: str = "small", **changes: Any) -> Plan:
    spec = write_spec(folder / "tables", **changes)
    return make_plan(spec, scale, folder / "results", Selection())


def metrics_of(trial: Trial, random: np.random.Generator) -> dict[str, float]:
    """Return plausible metrics: CS-IB best on Gaussian noise but for MSE, noise per seed shared."""
    setting = trial.setting
    shared = np.random.default_rng([trial.seed, len(setting.dataset)]).normal(0, 0.02)
    beta = setting.swept.get("beta", 0.01)
    error = _LEVEL.get(setting.method, 0.36 if setting.dataset != "gaussian" else 0.43)
    rmse = error + _SET.get(setting.dataset, 0.0) + shared + random.normal(0, 0.008) + 0.05 * beta
    metrics = {"rmse": rmse, "information": -1.8 * math.log2(rmse)}
    metrics["compression"] = 0.7 - 0.25 * (beta / (beta + 0.1)) + random.normal(0, 0.01)
    for level in (0.05, 0.1, 0.2):
        metrics[f"fgsm_rmse@{level:g}"] = rmse * (1 + 4 * level) + random.normal(0, 0.01)
    if setting.dataset != "diabetes":
        metrics["rmse_noise_free"] = 0.6 * rmse + random.normal(0, 0.005)
    return metrics


def store_trial(plan: Plan, trial: Trial) -> TrialFolder:
    """Make the trial's folder, without the wait for the disk that a real run takes."""
    folder = plan.folder(trial)
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.trial.write_text(json.dumps({"trial_id": trial.trial_id, "identity": trial.identity}))
    return folder


def store_result(plan: Plan, trial: Trial, metrics: dict[str, float], **changes: Any) -> Path:
    """Write the files of a finished trial; return its ``result.json``."""
    folder = store_trial(plan, trial)
    present = plan.fingerprint(trial.setting)
    result: dict[str, Any] = {
        "metrics": metrics,
        "cost": {
            "wall_seconds": 1.2 + 0.1 * trial.seed,
            "peak_memory_bytes": 310_000_000,
            "cuda_peak_memory_bytes": None,
            "device": "cpu",
            "parameters": 12_345,
            "samples_seen": 60_000,
        },
        "fingerprint": {
            "files": dict(present.files),
            "environment": environment(present.packages),
            "artifacts": {},
        },
        "data": {"diabetes.csv": "0" * 64} if trial.setting.dataset == "diabetes" else {},
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "host": "laptop",
        "finished": "2026-01-02T03:04:05.678+00:00",
        "resumed_from": None,
    }
    folder.result.write_text(json.dumps(result | changes))
    attempt = {"job": "", "host": "laptop", "gpu": "", "pid": 1, "end": "2026-01-02T03:04:05+00:00"}
    attempt |= {"start": "2026-01-02T03:04:00+00:00", "reason": "done"}
    folder.attempts.write_text(json.dumps(attempt) + "\n")
    return folder.result


def store_curve(plan: Plan, trial: Trial, random: np.random.Generator) -> None:
    points = [
        {"step": step, "validation_rmse": 0.4 + 0.6 * math.exp(-step / 12) + random.normal(0, 0.01)}
        for step in range(0, 60, 3)
    ]
    text = "".join(json.dumps(point) + "\n" for point in points)
    plan.folder(trial).curves.write_text(text)


def store_failure(plan: Plan, trial: Trial) -> None:
    folder = store_trial(plan, trial)
    present = plan.fingerprint(trial.setting)
    fingerprint = {"files": dict(present.files), "environment": environment(present.packages)}
    error = {"type": "RuntimeError", "message": "out of <memory>", "traceback": "Traceback …\n"}
    folder.error.write_text(json.dumps(error | {"fingerprint": fingerprint}))


def fill(plan: Plan, *, seed: int = 0, curves: bool = True, troubled: bool = True) -> None:
    """Store every trial of ``plan``; ``troubled``: with cells of every unhappy kind among them."""
    random = np.random.default_rng(seed)
    for trial in plan.trials:
        cell = (trial.setting.dataset, trial.setting.method)
        metrics = metrics_of(trial, random)
        if troubled and cell == ("skewed", "nib"):
            store_failure(plan, trial)
        elif troubled and cell == ("skewed", "hsic") and trial.seed in (1, 3):
            continue
        elif troubled and cell == ("diabetes", "vib"):
            old = {"files": {"made_up.py": "0" * 64}, "environment": {}, "artifacts": {}}
            store_result(plan, trial, metrics, fingerprint=old)
        else:
            if troubled and cell == ("diabetes", "released") and trial.seed == 2:
                metrics = dict.fromkeys(metrics, math.nan)
            store_result(plan, trial, metrics)
            if curves:
                store_curve(plan, trial, random)


def filled_plan(folder: Path, **changes: Any) -> tuple[Plan, list[TrialRecord]]:
    plan = made_up_plan(folder, **changes)
    fill(plan)
    return plan, plan.records()
