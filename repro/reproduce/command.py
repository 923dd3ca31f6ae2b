"""The verb `reproduce`: tune, run what is missing, report. Nothing runs when all is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.errors import EXIT_INTERRUPTED, EXIT_TRIALS_FAILED, UserError
from repro.files import check_writable
from repro.launch.launcher import Launcher, Order, make_launcher
from repro.paths import TABLES
from repro.planning.estimate import Estimate
from repro.planning.plan import Plan, Selection, awaits_tuning, make_plan, with_choices
from repro.report.figures.spec import load_figures
from repro.reproduce.summary import cost_lines, default_seconds, summary, unfinished_sentence
from repro.settle import all_records, second_plan, stage_problem, stage_sentence
from repro.spec import load_spec, paper_path
from repro.spec.signatures import check_signatures
from repro.trials.store import TrialRecord, create, forget_failure
from repro.trials.trial import Trial


@dataclass(frozen=True)
class RunOptions:
    """How to run: which launcher, how many workers (0: all cores), what to run again.

    ``settle``   run the second stage as well, which new seeds decide
    ``cluster``  the profile of the cluster that ``launcher="slurm"`` sends trials to
    """

    launcher: str = "local"
    jobs: int = 0
    stale: str = "auto"
    retry_failed: bool = False
    settle: bool = False
    cluster: str = ""


class _CancelledError(Exception):
    """The user cancelled trials of a stage: the next one does not begin."""


def prepare(paper: str, scale: str, results: Path, selection: Selection) -> Plan:
    """Return the plan for a paper, its spec and figures checked before anything runs."""
    spec = load_spec(paper)
    check_signatures(spec, paper_path(paper, TABLES))
    load_figures(spec)
    return make_plan(spec, scale, results, selection)


def reproduce(plan: Plan, options: RunOptions) -> int:
    """Run what ``plan`` lacks and write the report; return the exit status."""
    check_settling(plan, options)
    launcher = launcher_for(plan, options)
    tuning, records = plan.records(plan.tuning_trials), plan.records()
    to_run = trials_to_run(plan, [*tuning, *records], options)
    estimate = Estimate([*tuning, *records], default_seconds(plan))
    notes = launcher.notes(Order(plan, to_run, estimate))
    print("\n".join([summary(plan, records, tuning, to_run, launcher.places), *notes]), flush=True)
    try:
        return _run_stages(plan, launcher, options)
    except _CancelledError:
        return report(plan, plan.records())


def _run_stages(plan: Plan, launcher: Launcher, options: RunOptions) -> int:
    tuned = _run_stage(plan, plan.tuning_trials, launcher, options)
    # Another call may have ended the tuning since this one was planned.
    if tuned or any(map(awaits_tuning, plan.trials)):
        plan = with_choices(plan)
    _run_stage(plan, plan.trials, launcher, options, sealed=True)
    if options.settle:
        return _settled(plan, launcher, options)
    return report(plan, plan.records())


def report(plan: Plan, records: Sequence[TrialRecord]) -> int:
    """Write the report unless it is up to date, print the table, return the exit status."""
    from repro.report import build_report, is_current, read_summary

    if not is_current(plan, records):
        build_report(plan, records)
    shown = read_summary(plan)
    print(f"\n{shown.table_text}\n\n{shown.sentence}")
    everything = all_records(plan)
    unfinished = [r for r in everything if r.state in ("failed", "lost", "missing")]
    if unfinished:
        print(f"\n{unfinished_sentence(plan, unfinished)}")
    print(f"Report: {shown.directory / 'report.html'}")
    if shown.pdf_note:
        print(shown.pdf_note)
    return EXIT_TRIALS_FAILED if unfinished else 0


def trials_to_run(plan: Plan, records: Sequence[TrialRecord], options: RunOptions) -> list[Trial]:
    """Return the trials that have no result, and those that the rules run again.

    Those that wait for tuning are among them: they will run once it has chosen.
    """
    states = {"missing", "lost"}
    if _reruns_stale(plan, options):
        states.add("stale")
    if options.retry_failed:
        states.add("failed")
    return [record.trial for record in records if record.state in states]


def launcher_for(plan: Plan, options: RunOptions) -> Launcher:
    """Return the launcher that the options name, with as many places as this machine has."""
    resources = plan.scale.resources
    return make_launcher(options.launcher, plan.paths, resources, options.jobs, options.cluster)


def check_settling(plan: Plan, options: RunOptions) -> None:
    """Raise ``UserError`` where a second stage is asked of a selection that decides nothing."""
    if options.settle and plan.partial:
        raise UserError("SETTLE: a partial selection decides nothing, so nothing can be settled")


def _run_stage(
    plan: Plan,
    trials: Sequence[Trial],
    launcher: Launcher,
    options: RunOptions,
    *,
    sealed: bool = False,
) -> bool:
    """Run what is missing of ``trials`` and wait for what others run; say whether there was any.

    ``sealed``  the trials are the table's: what they will be judged by is written down first
    """
    records = plan.records(trials)
    wanted = trials_to_run(plan, records, options)
    to_run = [trial for trial in wanted if not awaits_tuning(trial)]
    running = [record.trial for record in records if record.state == "running"]
    if not to_run and not running:
        return False
    check_writable(plan.paths.trials)
    if sealed:
        from repro.planning.seal import seal

        seal(plan)
    _run(plan, records, to_run, running, launcher)
    return True


def _run(
    plan: Plan,
    records: Sequence[TrialRecord],
    to_run: Sequence[Trial],
    running: Sequence[Trial],
    launcher: Launcher,
) -> None:
    from repro.fetch import check_datasets
    from repro.launch.watch import run_to_the_end
    from repro.reproduce.display import display

    check_datasets(plan.spec.task, {trial.setting.dataset for trial in to_run})
    for trial in to_run:
        forget_failure(create(trial, plan.paths.trials))
    estimate = Estimate(records, default_seconds(plan))
    trials = [*to_run, *running]
    try:
        with display(trials, estimate, launcher.places) as show:
            troubles = run_to_the_end(plan, trials, launcher, show, estimate)
    except KeyboardInterrupt:
        print(f"\nStopped. {launcher.stop()}")
        raise SystemExit(EXIT_INTERRUPTED) from None
    for line in troubles.lines:
        print(line)
    if troubles.cancelled:
        raise _CancelledError


def _settled(plan: Plan, launcher: Launcher, options: RunOptions) -> int:
    """Run the one second stage and report; where there can be none, report and say why."""
    from repro.cells.aggregate import aggregate
    from repro.settle import plan_stage

    records = plan.records()
    if any(record.state != "done" for record in records):
        print("SETTLE waits: the first stage is not complete.")
        return report(plan, records)
    try:
        stage = plan_stage(plan, aggregate(plan, records))
    except UserError:
        report(plan, records)
        raise
    second = second_plan(plan)
    if second is None:
        report(plan, records)
        raise UserError(f"SETTLE: {stage_problem(plan, stage)}")
    to_run = trials_to_run(second, second.records(), options)
    cost = cost_lines(plan, records, to_run, launcher.places)
    print("\n".join([stage_sentence(stage), *cost]), flush=True)
    _run_stage(second, second.trials, launcher, options)
    return report(plan, records)


def _reruns_stale(plan: Plan, options: RunOptions) -> bool:
    if options.stale == "auto":
        return plan.scale_name != "paper"
    return options.stale == "rerun"
