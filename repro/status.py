"""The verbs that look: plan, status, logs; and run-trial, which looks closely at one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from tabulate import tabulate

from repro.errors import EXIT_INTERRUPTED, EXIT_TRIALS_FAILED, UserError
from repro.files import canonical_json, check_writable, read_json
from repro.planning.plan import Plan, awaits_tuning
from repro.reproduce.command import (
    RunOptions,
    check_settling,
    launcher_for,
    trials_to_run,
)
from repro.reproduce.summary import cost_lines, summary
from repro.trials.attempts import read_attempts
from repro.trials.store import (
    TrialFolder,
    TrialRecord,
    create,
    forget_failure,
    load_trial,
    read_record,
)
from repro.trials.trial import Trial

_STATES = ("done", "running", "queued", "missing", "failed", "stale", "lost")
_LOG_LINES = 200


def plan_text(plan: Plan, options: RunOptions) -> str:
    """Say what `reproduce` would do: trials by state, how many would run, how long that takes.

    Raises ``UserError`` for a user's own file that a run would refuse.
    """
    from repro.fetch import check_user_files

    check_settling(plan, options)
    check_user_files(plan)
    tuning, records = plan.records(plan.tuning_trials), plan.records()
    to_run = trials_to_run(plan, [*tuning, *records], options)
    places = launcher_for(plan, options).places
    text = f"{_state_table(plan, records)}\n\n{summary(plan, records, tuning, to_run, places)}"
    settling = _settling_lines(plan, records, options, places) if options.settle else []
    return "\n".join([text, *settling, *_power_lines(plan)])


def status_text(plan: Plan) -> str:
    """Say where the trials stand, what failed and why, and what made trials stale."""
    from repro.launch.queued import queued

    # Asked before the look at the store: what ends in between shows as done.
    waiting = queued(plan.paths)
    tuning = _with_queued(plan.records(plan.tuning_trials), waiting.trials)
    records = _with_queued(plan.records(), waiting.trials)
    lines = [_state_table(plan, records), ""]
    lines.append(summary(plan, records, tuning, [], 1).replace("\nNothing to run.", ""))
    lines += waiting.lines
    for record in [*tuning, *records]:
        if record.state == "failed":
            message = str(record.error["message"]).splitlines()[0][:200]
            lines.append(f"failed {_name(record.trial)}: {message}")
    return "\n".join(lines)


def find_trial(plan: Plan, prefix: str) -> Trial:
    """Return the one trial whose id starts with ``prefix``; else ``UserError``.

    Stored trials count too: those of other selections, such as a user's file or further seeds.
    """
    if not prefix:
        raise UserError("TRIAL: name a trial by the first digits of its id")
    planned = (*plan.trials, *plan.tuning_trials)
    found = {trial.trial_id: trial for trial in planned if trial.trial_id.startswith(prefix)}
    for path in plan.paths.trials.glob(f"{prefix}*/trial.json"):
        if path.parent.name not in found:
            found[path.parent.name] = load_trial(TrialFolder(path.parent))
    if len(found) == 1:
        (trial,) = found.values()
        if awaits_tuning(trial):
            raise UserError(f"{_name(trial)} waits for tuning: `repro reproduce` tunes first")
        return trial
    start = f"{len(found)} trials" if found else "no trial"
    raise UserError(
        f"{start} of {plan.spec.paper} at scale {plan.scale_name} "
        f"{'start' if found else 'starts'} with {prefix!r}: `repro explain {plan.spec.paper} "
        f"--scale {plan.scale_name} --cell <data set>/<method>` lists them"
    )


def run_trial(plan: Plan, trial: Trial) -> int:
    """Run one trial here and now and print its metrics; return the exit status.

    Unless the run ends well, an earlier result of the trial stays.
    """
    from repro.execution.single import RunOrder
    from repro.execution.single import run_trial as run

    folder = create(trial, plan.paths.trials)
    check_writable(folder.path)
    kept = folder.result.exists()
    print(_name(trial), flush=True)
    outcome = run(folder, RunOrder(again=True))
    if outcome == "claimed":
        raise UserError(f"{_name(trial)} is running in another process")
    if outcome != "done":
        return _ended_badly(folder, outcome, kept=kept)
    record = read_record(trial, folder)
    print(tabulate(sorted(record.metrics.items()), tablefmt="plain", floatfmt=".6g"))
    print(f"{record.cost['wall_seconds']:.1f} s; {folder.result}")
    return 0


def _ended_badly(folder: TrialFolder, outcome: str, *, kept: bool) -> int:
    error = read_json(folder.error) or {}
    print(error.get("traceback") or error.get("message") or outcome)
    if kept:
        forget_failure(folder)
        print("The trial's earlier result stays.")
    return EXIT_INTERRUPTED if outcome == "interrupted" else EXIT_TRIALS_FAILED


def log_text(plan: Plan, trial: Trial) -> str:
    """Return what is known of one trial: identity, attempts, output, error."""
    folder = plan.folder(trial)
    record = plan.record(trial)
    lines = [f"{_name(trial)}: {record.state}", f"folder: {folder.path}"]
    lines.append(f"parameters: {canonical_json(trial.setting.params)}")
    if record.moved:
        lines.append(f"changed since: {', '.join(record.moved)}")
    for attempt in read_attempts(folder.attempts):
        end = attempt["end"] or "still open"
        lines.append(
            f"attempt on {_place(attempt)}: {attempt['start']} to {end}: {attempt['reason']}"
        )
    if folder.log.exists():
        text = folder.log.read_text(encoding="utf-8", errors="replace")
        lines += ["output:", *text.splitlines()[-_LOG_LINES:]]
    if record.error:
        lines += ["error:", record.error["traceback"] or record.error["message"]]
    return "\n".join(lines)


def _place(attempt: dict[str, Any]) -> str:
    if not attempt.get("node"):
        return str(attempt["host"])
    return f"{attempt['node']} (job {attempt['job']})"


def _settling_lines(
    plan: Plan, records: Sequence[TrialRecord], options: RunOptions, places: int
) -> list[str]:
    """Say what the second stage would be. It is planned once, so nothing is written down here."""
    from repro.cells.aggregate import aggregate
    from repro.settle import draft_stage, plan_of, stage_problem, stage_sentence

    if any(record.state != "done" for record in records):
        return ["", "SETTLE waits: the first stage is not complete."]
    stage = draft_stage(plan, aggregate(plan, records))
    second = plan_of(plan, stage)
    if second is None:
        raise UserError(f"SETTLE: {stage_problem(plan, stage)}")
    to_run = trials_to_run(second, second.records(), options)
    return ["", stage_sentence(stage), *cost_lines(plan, records, to_run, places)]


def _power_lines(plan: Plan) -> list[str]:
    """Say, claim by claim, what the planned number of seeds could show at all."""
    if plan.partial:
        return ["", "This is a partial selection: its report decides no claim."]
    from repro.claims import detectable

    found = detectable(plan)
    if not found:
        return []
    heading = "What the planned seeds can show, with a probability of 80 %:"
    return ["", heading, *(f"  {claim}: {text}" for claim, text in found)]


def _with_queued(records: Sequence[TrialRecord], waiting: Collection[str]) -> list[TrialRecord]:
    """Return the records, those as queued that only wait for their job to come to them."""
    return [
        replace(record, state="queued")
        if record.trial.trial_id in waiting and record.state in ("missing", "lost", "stale")
        else record
        for record in records
    ]


def _state_table(plan: Plan, records: Sequence[TrialRecord]) -> str:
    counts: Counter[tuple[str, str]] = Counter(
        (record.trial.setting.method, record.state) for record in records
    )
    shown = [state for state in _STATES if any(key[1] == state for key in counts)]
    rows = [
        [plan.spec.methods[method].label, *(counts[method, state] or "" for state in shown)]
        for method in plan.methods
    ]
    return tabulate(rows, headers=["method", *shown], tablefmt="simple")


def _name(trial: Trial) -> str:
    setting = trial.setting
    variant = f" {setting.variant}" if setting.variant else ""
    return f"{trial.trial_id[:8]} {setting.dataset}/{setting.method}{variant} seed {trial.seed}"
