"""Where a number or a verdict comes from: the trials behind a cell, the tests behind a claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.aggregate import Aggregate, Cell, aggregate, dataset_entry
from repro.attempts import read_attempts
from repro.errors import UserError, did_you_mean
from repro.plan import Plan
from repro.store import TrialRecord
from repro.verdicts import ClaimVerdict, decide, describe_pair


def explain(plan: Plan, records: Sequence[TrialRecord], cell: str | None) -> str:
    """Return how a cell, or without one every verdict, came about.

    ``cell`` is ``dataset/method`` or ``dataset/method/metric``. An unknown one: ``UserError``.
    """
    data = aggregate(plan, records)
    if cell is None:
        return "\n".join([*_claims(plan, data), "", *_addresses(plan, data)])
    cells = _matching(data, cell)
    lines = [line for found in cells for line in _cell(plan, found)]
    records = cells[0].group.records
    for record in records:
        lines += ["", *_trial(record, cells)]
    lines += ["", *_origins(records)]
    return "\n".join(lines)


def _matching(data: Aggregate, address: str) -> list[Cell]:
    parts = address.rsplit("/", 2)
    found = [c for c in data.cells.values() if address in (c.address, f"{c.dataset}/{c.method}")]
    if found:
        return found
    known = {cell.address for cell in data.cells.values()}
    if len(parts) < 3:
        known = {f"{cell.dataset}/{cell.method}" for cell in data.cells.values()}
    raise UserError(f"CELL: unknown cell {address!r}{did_you_mean(address, known)}")


def _cell(plan: Plan, cell: Cell) -> Iterator[str]:
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


def _trial(record: TrialRecord, cells: Sequence[Cell]) -> Iterator[str]:
    yield f"trial {record.trial.trial_id}  seed {record.trial.seed}  {record.state}"
    for cell in cells:
        if cell.metric in record.metrics:
            yield f"  {cell.metric} = {record.metrics[cell.metric]!r}"
    if record.moved:
        yield f"  changed since: {', '.join(record.moved)}"
    if record.error:
        yield f"  error: {record.error.get('type')}: {record.error.get('message')}"
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


def _claims(plan: Plan, data: Aggregate) -> Iterator[str]:
    for verdict in decide(plan, data):
        yield from _claim(verdict, plan)


def _claim(verdict: ClaimVerdict, plan: Plan) -> Iterator[str]:
    claim = verdict.claim
    origin = "our control" if claim.ours else f"the paper, {claim.source}"
    yield f"{claim.id} ({origin}): {verdict.verdict}"
    yield f"  {claim.text}"
    yield f"  {verdict.sentence}"
    support, against = verdict.test.p_support, verdict.test.p_contradict
    yield (
        f"  p of support {support:.3g}, of contradiction {against:.3g}; two-sided "
        f"{verdict.test.p:.3g}, after Holm over {verdict.family}: {verdict.p_holm:.3g}"
    )
    for compared in verdict.pairs:
        comparison = compared.comparison
        estimate = comparison.estimate
        advantage = "no estimate" if estimate is None else f"advantage {estimate:+.4g}"
        yield (
            f"  - {describe_pair(compared.pair, plan.spec)}: {advantage}, "
            f"{comparison.wins} of {comparison.n} seeds won, {comparison.test}, "
            f"p better {comparison.p_greater:.3g}, worse {comparison.p_less:.3g}"
        )
    for title, texts in (("left out", verdict.left_out), ("undecided", verdict.reasons)):
        yield from (f"  {title}: {text}" for text in texts)


def _addresses(plan: Plan, data: Aggregate) -> Iterator[str]:
    yield "Cells, for `explain … CELL=<cell>`:"
    for cell in data.cells.values():
        if plan.spec.metric(cell.metric).table:
            yield f"  {cell.address}  {cell.state}"
