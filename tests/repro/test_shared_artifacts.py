"""What a verdict or a statistic is conditional on: true of each setting that it compares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_fixtures import COMMENSURABLE, SPEC, made_up_plan, metrics_of

from repro.cells.aggregate import Aggregate, aggregate
from repro.cells.overall import overall
from repro.claims import decide
from repro.planning.plan import Plan
from repro.trials.store import TrialRecord
from repro.trials.trial import Trial

TEACHER = "models.teachers.build_teacher"
#: The keys of the artefacts that a trial used.
Used = Callable[[Trial], list[str]]

CLAIM = {"id": "it", "text": "t", "source": "abstract", "kind": "better", "metric": "rmse"}
CLAIM |= {"method": "bottleneck", "than": ["mse"], "over": ["gaussian", "skewed"]}


def plan_of(folder: Path, *statistics: str, **claim: Any) -> Plan:
    names = [f"set{place}" for place in range(6)]
    datasets = SPEC["datasets"] | {name: {"label": name} for name in names}
    scale = {"datasets": ["gaussian", "skewed", *names], "seeds": 5}
    scale["methods"] = ["bottleneck", "mse", "vib"]
    scale["sweep"] = {"datasets": ["gaussian", "skewed"], "seeds": 5}
    return made_up_plan(
        folder,
        scales={"small": scale},
        datasets=datasets,
        metrics=COMMENSURABLE,
        claims=[CLAIM | claim],
        overall=[{"id": name, "metric": "rmse", "statistic": name} for name in statistics],
    )


def data_of(plan: Plan, used: Used) -> Aggregate:
    def result(trial: Trial) -> dict[str, Any]:
        return {"fingerprint": {"artifacts": dict.fromkeys(used(trial), "code")}}

    records = [
        TrialRecord(
            trial,
            plan.folder(trial),
            "done",
            metrics=metrics_of(trial, np.random.default_rng([trial.seed, place])),
            result=result(trial),
        )
        for place, trial in enumerate(plan.trials)
    ]
    return aggregate(plan, records)


def sentence(plan: Plan, used: Used) -> str:
    (verdict,) = decide(plan, data_of(plan, used))
    return verdict.sentence


def test_what_all_compared_seeds_share_is_said_of_all(tmp_path: Path) -> None:
    text = sentence(plan_of(tmp_path), lambda _: [f"{TEACHER}/one"])
    assert text.endswith("It is conditional on the artefact that all seeds share: build_teacher.")


def test_a_teacher_of_the_method_alone_is_not_shared_by_all_seeds(tmp_path: Path) -> None:
    def used(trial: Trial) -> list[str]:
        return [f"{TEACHER}/one"] if trial.setting.method == "bottleneck" else []

    text = sentence(plan_of(tmp_path), used)
    assert "all seeds share" not in text
    assert text.endswith(
        "It is conditional on the artefact that all seeds of one setting share: build_teacher "
        "(CS-IB on Gaussian noise, CS-IB on Skewed noise)."
    )


def test_a_teacher_per_data_set_is_not_one_teacher(tmp_path: Path) -> None:
    text = sentence(plan_of(tmp_path), lambda trial: [f"{TEACHER}/{trial.setting.dataset}"])
    assert "all seeds share" not in text
    assert text.endswith("all seeds of one setting share: build_teacher (in every setting).")


def test_a_sweep_that_the_claim_does_not_compare_says_nothing(tmp_path: Path) -> None:
    def used(trial: Trial) -> list[str]:
        return [] if trial.setting.in_table else [f"{TEACHER}/one"]

    assert "conditional" not in sentence(plan_of(tmp_path), used)
    curve = {"kind": "frontier", "metric": "information", "cost": "compression", "than": ["vib"]}
    swept = plan_of(tmp_path / "swept", **curve, budgets={"in_overlap": 1})
    assert "conditional on the artefact that all seeds of one setting" in sentence(swept, used)
    assert "conditional" not in sentence(swept, lambda t: [f"{TEACHER}/{t.seed}"])


@pytest.mark.parametrize("statistic", ["mean", "median", "mean_rank"])
def test_statistics_over_data_sets_say_what_their_seeds_share(
    tmp_path: Path, statistic: str
) -> None:
    plan = plan_of(tmp_path, statistic)

    def of_mse(trial: Trial) -> list[str]:
        return [f"{TEACHER}/one"] if trial.setting.method == "mse" else []

    shared = "conditional on the artefact that all seeds share: build_teacher"
    rows = overall(plan, data_of(plan, lambda _: [f"{TEACHER}/one"]))
    assert len(rows) == 3
    assert all(row.note.endswith(shared) for row in rows)
    notes = {row.method: row.note for row in overall(plan, data_of(plan, of_mse))}
    if statistic == "mean_rank":
        some = "share: build_teacher (MSE on Gaussian noise, MSE on Skewed noise and 6 more)"
        assert all(note.endswith(some) for note in notes.values())
    else:
        assert notes["mse"].endswith(shared)
        assert "conditional" not in notes["bottleneck"]
