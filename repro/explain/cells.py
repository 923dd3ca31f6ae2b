"""What stands behind a cell: its trials, its parameters, the claims that it bears on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.cells.aggregate import Aggregate, Cell, dataset_entry
from repro.cells.verdicts import CellVerdict, cell_verdicts
from repro.claims import ClaimVerdict
from repro.errors import UserError, did_you_mean
from repro.explain.claims import bears_on
from repro.explain.second_stage import seeds_and_states, trials_of_cell
from repro.explain.tuning import chosen_by_tuning
from repro.planning.plan import Plan
from repro.report.second_stage import SecondStageReport
from repro.trials.attempts import read_attempts
from repro.trials.store import TrialRecord


def matching(data: Aggregate, address: str) -> list[Cell]:
    """Return the cells of ``dataset/method[/metric]``. An unknown one: ``UserError``."""
    found = [c for c in data.cells.values() if address in (c.address, f"{c.dataset}/{c.method}")]
    if found:
        return found
    known = {cell.address for cell in data.cells.values()}
    if len(address.rsplit("/", 2)) < 3:
        known = {f"{cell.dataset}/{cell.method}" for cell in data.cells.values()}
    raise UserError(f"CELL: unknown cell {address!r}{did_you_mean(address, known, most=10)}")


def trace(
    plan: Plan,
    data: Aggregate,
    cells: Sequence[Cell],
    verdicts: Sequence[ClaimVerdict],
    stage: SecondStageReport | None,
) -> Iterator[str]:
    """Yield what is behind ``cells``, which are one method's on one data set."""
    later = trials_of_cell(stage, cells[0].dataset, cells[0].method)
    printed = cell_verdicts(plan, data)
    for cell in cells:
        key = (cell.dataset, cell.method, cell.metric)
        yield from _summary(plan, cell)
        yield from _against_paper(printed.get(key), stage.cells.get(key) if stage else None, later)
    yield from _claims(plan, cells, verdicts, stage)
    yield from chosen_by_tuning(plan, cells[0].dataset, cells[0].method)
    records = cells[0].group.records
    yield from _trials(records, cells)
    if later:
        yield ""
        yield f"Trials of the second stage ({seeds_and_states(later)}):"
        yield from _trials(later, cells)
    yield ""
    yield from _origins([*records, *later])


def _against_paper(
    first: CellVerdict | None, second: CellVerdict | None, later: Sequence[TrialRecord]
) -> Iterator[str]:
    """Yield the verdicts of both stages on a printed number, each where there is one."""
    if first is not None:
        printed_as = f"{first.reported.value} ({first.reported.source})"
        yield f"  against the paper's {printed_as}: {first.verdict}. {first.sentence}"
    if second is not None:
        yield f"  second stage ({seeds_and_states(later)}): {second.verdict}. {second.sentence}"


def _summary(plan: Plan, cell: Cell) -> Iterator[str]:
    metric = plan.spec.metric(cell.metric)
    counts = f"{len(cell.values)} of {cell.planned} trials finished"
    if cell.stale:
        counts += f", {len(cell.stale)} stale"
    yield f"{cell.address}: {cell.state}, {counts}"
    if cell.summary is not None:
        mean = f"{cell.summary.mean:.{metric.decimals + 2}f}"
        text = f"  mean {mean} over {cell.summary.n}"
        if cell.summary.sd is not None and cell.summary.half_width is not None:
            text += f", sd {cell.summary.sd:.3g}, 95 % t interval ± {cell.summary.half_width:.3g}"
        yield text
        resplit = dataset_entry(plan.spec, cell.dataset).resplit
        if cell.summary.corrected:
            yield f"  the interval uses the variance factor 1/n + {resplit:g}: seeds share data"


def _claims(
    plan: Plan,
    cells: Sequence[Cell],
    verdicts: Sequence[ClaimVerdict],
    stage: SecondStageReport | None,
) -> Iterator[str]:
    using = [
        verdict
        for verdict in verdicts
        if any(bears_on(verdict.claim, cell, plan.spec) for cell in cells)
    ]
    if using:
        yield "claims that use it:"
    for verdict in using:
        yield f"  {verdict.claim.id}: {verdict.verdict}. {verdict.sentence}"
        later = stage.verdict_on(verdict.claim.id) if stage else None
        if later:
            yield f"    in the second stage: {later.verdict}. {later.sentence}"


def _trials(records: Sequence[TrialRecord], cells: Sequence[Cell]) -> Iterator[str]:
    for record in records:
        yield ""
        yield from _trial(record, cells)


def _trial(record: TrialRecord, cells: Sequence[Cell]) -> Iterator[str]:
    yield f"trial {record.trial.trial_id}  seed {record.trial.seed}  {record.state}"
    for cell in cells:
        if cell.metric in record.metrics:
            yield f"  {cell.metric} = {record.metrics[cell.metric]!r}"
    if record.moved:
        yield f"  changed since: {', '.join(record.moved)}"
    if record.error:
        yield f"  error: {record.error.get('type')}: {record.error.get('message')}"
    if record.cost.get("shared_by"):
        share = f"{record.cost['wall_seconds']:.2f} s, its share of the time"
        yield f"  cost: {share} of {record.cost['shared_by']} trials that ran together"
    for attempt in read_attempts(record.folder.attempts):
        where = f"on {attempt.get('host')}" + (f", job {attempt['job']}" if attempt["job"] else "")
        span = f"{attempt.get('start')} to {attempt.get('end') or 'now'}"
        yield f"  attempt {where}, {span}: {attempt.get('reason') or 'running'}"
    yield f"  folder: {record.folder.path}"


def _origins(records: Sequence[TrialRecord]) -> Iterator[str]:
    """Say what the trials were made of, once for those that were made of the same."""
    seeds: dict[tuple[str, ...], list[str]] = {}
    for record in records:
        origin = tuple(_origin(record))
        if origin:
            seeds.setdefault(origin, []).append(str(record.trial.seed))
    for origin, shared in seeds.items():
        yield f"made with (seed {', '.join(shared)}):"
        yield from origin


def _origin(record: TrialRecord) -> Iterator[str]:
    stored = record.result or record.error
    fingerprint = stored.get("fingerprint", {})
    if record.result:
        yield f"  commit: {record.result.get('commit') or 'unknown'}"
    for title, entries in (
        ("code", fingerprint.get("files", {})),
        ("data", record.result.get("data", {})),
        ("artefact", fingerprint.get("artifacts", {})),
    ):
        for name, digest in entries.items():
            yield f"  {title}: {name} {digest[:16] if title == 'code' else digest}"
    versions = fingerprint.get("environment", {})
    if versions:
        listed = ", ".join(f"{name} {version}" for name, version in versions.items())
        yield f"  environment: {listed}"
