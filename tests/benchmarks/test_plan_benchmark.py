"""Planning 10,000 trials: under two seconds, whether none or all of them have results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from checkout import TOY

from repro.files import write_json
from repro.planning.plan import Plan, Selection, make_plan
from repro.spec import TableSpec
from repro.spec.load import read_typed
from repro.trials.fingerprint import environment
from repro.trials.store import create

SEEDS = 1_000
METHODS = 5
BOUND_SECONDS = 2.0


def make(results: Path) -> Plan:
    """Two data sets, five methods, a thousand seeds."""
    spec: TableSpec = read_typed(TOY / "toy.yaml", TableSpec)
    far = spec.methods["far"]
    spec.methods = {f"far{i}": replace(far, params={"bias": i}) for i in range(METHODS)}
    return make_plan(spec, "smoke", results, Selection(seeds=SEEDS))


@pytest.mark.benchmark
@pytest.mark.parametrize("stored", [False, True])
def test_plan_of_ten_thousand_trials(benchmark: Any, tmp_path: Path, stored: bool) -> None:
    if stored:
        plan = make(tmp_path)
        for trial in plan.trials:
            found = plan.fingerprint(trial.setting)
            code = {"files": found.files, "environment": environment(found.packages)}
            folder = create(trial, plan.paths.trials)
            result = {"metrics": {"error": 1.0}, "cost": {}, "fingerprint": code}
            write_json(folder.result, result, durable=False)

    def count() -> int:
        return sum(r.state == ("done" if stored else "missing") for r in make(tmp_path).records())

    assert benchmark.pedantic(count, rounds=3) == 10_000
    assert benchmark.stats.stats.min < BOUND_SECONDS
