"""The trials of the second stage that stand behind a cell or a claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from repro.claims.scope import takes
from repro.report.second_stage import SecondStageReport
from repro.report.wording import counted
from repro.spec import Claim, TableSpec
from repro.trials.store import TrialRecord


def trials_of_cell(stage: SecondStageReport | None, dataset: str, method: str) -> list[TrialRecord]:
    """Return the stage's trials of one method on one data set, those of sweeps left out."""
    found = []
    for record in stage.records if stage else ():
        setting = record.trial.setting
        if setting.in_table and (setting.dataset, setting.method) == (dataset, method):
            found.append(record)
    return found


def trials_of_claim(stage: SecondStageReport, claim: Claim, spec: TableSpec) -> list[TrialRecord]:
    """Return the stage's trials that the claim's test takes."""
    return [record for record in stage.records if takes(claim, record.trial.setting, spec)]


def seeds_and_states(records: Sequence[TrialRecord]) -> str:
    """Say which trials these are: "seeds 5 to 16, 24 trials: 23 done, 1 failed"."""
    if not records:
        return "no trials"
    seeds = [record.trial.seed for record in records]
    first, last = min(seeds), max(seeds)
    span = f"seed {first}" if first == last else f"seeds {first} to {last}"
    states = Counter(record.state for record in records)
    counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"{span}, {counted(len(records), 'trial')}: {counts}"
