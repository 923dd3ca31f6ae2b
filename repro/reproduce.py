"""The verb `reproduce`: run what is missing, then report. Nothing runs when all is done."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.errors import EXIT_INTERRUPTED, EXIT_TRIALS_FAILED
from repro.estimate import Estimate, in_words
from repro.files import make_directory, write_text
from repro.launch.launcher import Launcher, make_launcher, visible_gpus
from repro.paths import TABLES
from repro.plan import Plan, Selection, make_plan
from repro.report.figure_spec import load_figures
from repro.spec import load_spec, paper_path
from repro.spec.signatures import check_signatures
from repro.store import TrialRecord, create, forget_failure
from repro.trial import Trial


@dataclass(frozen=True)
class RunOptions:
    """How to run: which launcher, how many workers (0: all cores), and what to run again."""

    launcher: str = "local"
    jobs: int = 0
    stale: str = "auto"
    retry_failed: bool = False


def prepare(paper: str, scale: str, results: Path, selection: Selection) -> Plan:
    """Return the plan for a paper, its spec and figures checked before anything runs."""
    spec = load_spec(paper)
    check_signatures(spec, paper_path(paper, TABLES))
    load_figures(spec)
    return make_plan(spec, scale, results, selection)


def reproduce(plan: Plan, options: RunOptions) -> int:
    """Run what ``plan`` lacks and write the report; return the exit status."""
    launcher = launcher_for(plan, options)
    records = plan.records()
    to_run = trials_to_run(plan, records, options)
    running = [record.trial for record in records if record.state == "running"]
    print(summary(plan, records, to_run, launcher.places), flush=True)
    if to_run or running:
        _run(plan, records, to_run, running, launcher)
        records = plan.records()
    return report(plan, records)


def report(plan: Plan, records: Sequence[TrialRecord]) -> int:
    """Write the report unless it is up to date, print the table, return the exit status."""
    from repro.report import build_report, is_current, read_summary

    if not is_current(plan, records):
        build_report(plan, records)
    shown = read_summary(plan)
    print(f"\n{shown.table_text}\n\n{shown.sentence}")
    unfinished = [r for r in records if r.state in ("failed", "lost", "missing")]
    if unfinished:
        print(f"\n{_unfinished_sentence(plan, unfinished)}")
    print(f"Report: {shown.directory / 'report.html'}")
    return EXIT_TRIALS_FAILED if any(r.state in ("failed", "lost") for r in records) else 0


def trials_to_run(plan: Plan, records: Sequence[TrialRecord], options: RunOptions) -> list[Trial]:
    """Return the trials that have no result, and those that the rules run again."""
    states = {"missing", "lost"}
    if _reruns_stale(plan, options):
        states.add("stale")
    if options.retry_failed:
        states.add("failed")
    return [record.trial for record in records if record.state in states]


def summary(
    plan: Plan, records: Sequence[TrialRecord], to_run: Sequence[Trial], places: int
) -> str:
    """Say what is done, what is to run, and how long that will take."""
    counts = Counter(record.state for record in records)
    states = ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))
    lines = [
        f"{plan.spec.paper} at scale {plan.scale_name}: {len(records)} trials "
        f"({counted(len(plan.datasets), 'data set')}, {counted(len(plan.methods), 'method')}, "
        f"{counted(plan.seeds, 'seed')}): "
        f"{states}"
    ]
    if to_run:
        estimate = Estimate(records, plan.scale.resources.hours * 3600)
        total = estimate.total(to_run)
        where = f" on {places} workers" if places > 1 else ""
        lines.append(f"To run: {len(to_run)}, about {in_words(total / places)}{where}.")
        if plan.scale.resources.gpus:
            hours = total / 3600 * plan.scale.resources.gpus
            lines.append(f"GPU time: about {hours:.1f} GPU hours.")
            if not visible_gpus():
                lines.append("No GPU was found: on the CPU this takes far longer.")
    else:
        lines.append("Nothing to run.")
    return "\n".join(lines + _stale_lines(records))


def counted(number: int, noun: str) -> str:
    """Return ``1 seed``, ``5 seeds``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def launcher_for(plan: Plan, options: RunOptions) -> Launcher:
    """Return the launcher that the options name, with as many places as this machine has."""
    return make_launcher(options.launcher, plan.paths, plan.scale.resources, options.jobs)


def check_writable(folder: Path) -> None:
    """Raise ``UserError`` where ``folder`` cannot be made or written."""
    make_directory(folder)
    probe = folder / f".writable-{os.getpid()}"
    write_text(probe, "")
    probe.unlink()


def _run(
    plan: Plan,
    records: Sequence[TrialRecord],
    to_run: Sequence[Trial],
    running: Sequence[Trial],
    launcher: Launcher,
) -> None:
    from repro.display import display
    from repro.fetch import check_datasets
    from repro.launch.watch import run_to_the_end

    check_writable(plan.paths.trials)
    check_datasets(plan.spec.task, {trial.setting.dataset for trial in to_run})
    for trial in to_run:
        forget_failure(create(trial, plan.paths.trials))
    estimate = Estimate(records, plan.scale.resources.hours * 3600)
    try:
        with display([*to_run, *running], estimate, launcher.places) as show:
            run_to_the_end(plan, to_run, running, launcher, show)
    except KeyboardInterrupt:
        print("\nStopped. What was finished is kept; the same command goes on from there.")
        raise SystemExit(EXIT_INTERRUPTED) from None


def _reruns_stale(plan: Plan, options: RunOptions) -> bool:
    if options.stale == "auto":
        return plan.scale_name != "paper"
    return options.stale == "rerun"


def _stale_lines(records: Sequence[TrialRecord]) -> list[str]:
    """Say which sources or packages made trials stale."""
    stale = [record for record in records if record.state == "stale"]
    if not stale:
        return []
    names = sorted({name for record in stale for name in record.moved})
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return [f"{len(stale)} stale, because these changed: {', '.join(names[:4])}{more}."]


def _unfinished_sentence(plan: Plan, records: Sequence[TrialRecord]) -> str:
    counts = Counter(record.state for record in records)
    parts = [f"{n} {state}" for state, n in sorted(counts.items())]
    again = "the same command runs what is missing or lost"
    if counts["failed"]:
        first = next(record for record in records if record.state == "failed")
        message = str(first.error["message"]).splitlines()[0][:300]
        again += ", RETRY=failed what failed"
        return (
            f"{', '.join(parts)}; {again}. First failure: {message} "
            f"(repro logs {plan.spec.paper} {first.trial.trial_id[:8]} --scale {plan.scale_name} "
            f"--results {plan.paths.results})"
        )
    return f"{', '.join(parts)}; {again}."
