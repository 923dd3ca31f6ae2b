"""What is said of a run before it starts and after it ended: counts, cost, what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from repro.planning.estimate import Estimate, in_words
from repro.planning.plan import Plan
from repro.trials.store import TrialRecord
from repro.trials.trial import Trial


def summary(
    plan: Plan,
    records: Sequence[TrialRecord],
    tuning: Sequence[TrialRecord],
    to_run: Sequence[Trial],
    places: int,
) -> str:
    """Say what is done, what is to run, and how long that will take.

    ``records``  of the table's trials, ``tuning`` of tuning's; ``to_run`` from both
    """
    lines = [
        f"{plan.spec.paper} at scale {plan.scale_name}: {len(records)} trials "
        f"({counted(len(plan.datasets), 'data set')}, {counted(len(plan.methods), 'method')}, "
        f"{counted(plan.seeds, 'seed')}): {by_state(records)}"
    ]
    if tuning:
        budget = max(len(entry.configurations) for entry in plan.ledger)
        lines.append(
            f"Tuning before them: {len(tuning)} trials ({counted(budget, 'configuration')} per "
            f"method and data set, on seeds of their own): {by_state(tuning)}"
        )
    everything = [*tuning, *records]
    lines += cost_lines(plan, everything, to_run, places)
    return "\n".join(lines + _stale_lines(everything))


def counted(number: int, noun: str) -> str:
    """Return ``1 seed``, ``5 seeds``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def by_state(records: Iterable[TrialRecord]) -> str:
    """Return ``3 done, 1 failed``."""
    counts = Counter(record.state for record in records)
    return ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))


def unfinished_sentence(plan: Plan, records: Sequence[TrialRecord]) -> str:
    """Say what has no result, what runs it, and what the first failure was."""
    again = "the same command runs what is missing or lost"
    failed = [record for record in records if record.state == "failed"]
    if not failed:
        return f"{by_state(records)}; {again}."
    message = str(failed[0].error["message"]).splitlines()[0][:300]
    trial = failed[0].trial.trial_id[:8]
    return (
        f"{by_state(records)}; {again}, RETRY=failed what failed. First failure: {message} "
        f"(repro logs {plan.spec.paper} {trial} --scale {plan.scale_name} "
        f"--results {plan.paths.results})"
    )


def default_seconds(plan: Plan) -> float:
    """Return how long the spec says that a trial takes."""
    return plan.scale.resources.hours * 3600


def cost_lines(
    plan: Plan, records: Sequence[TrialRecord], to_run: Sequence[Trial], places: int
) -> list[str]:
    """Say how many trials are to run and how long that takes; ``records`` tell of the time."""
    if not to_run:
        return ["Nothing to run."]
    total = Estimate(records, default_seconds(plan)).total(to_run)
    where = f" on {places} workers" if places > 1 else ""
    lines = [f"To run: {len(to_run)}, about {in_words(total / places)}{where}."]
    if plan.scale.resources.gpus:
        hours = total / 3600 * plan.scale.resources.gpus
        lines.append(f"GPU time: about {hours:.1f} GPU hours.")
    return lines


def _stale_lines(records: Sequence[TrialRecord]) -> list[str]:
    """Say which sources or packages made trials stale."""
    stale = [record for record in records if record.state == "stale"]
    if not stale:
        return []
    names = sorted({name for record in stale for name in record.moved})
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return [f"{len(stale)} stale, because these changed: {', '.join(names[:4])}{more}."]
