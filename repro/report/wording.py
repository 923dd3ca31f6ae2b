"""How numbers, states and scales are put into words, the same in every format of the report."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from repro.cells.aggregate import Cell
from repro.planning.plan import Plan
from repro.spec import Metric
from repro.trials.store import TrialRecord

#: Marks the best mean of a column, beside bold: colour and weight alone would not be seen by all.
BEST = "★"

#: A shape for each state, beside its words.
SYMBOLS = {
    "complete": "",
    "single run": "◇",
    "incomplete": "◐",
    "diverged": "▲",
    "failed": "✕",
    "stale": "↻",
    "not comparable": "⊘",
    "supported": "✓",
    "contradicted": "✗",
    "undecided": "?",
    "not decided": "–",
    "exact": "=",
    "reproduced": "✓",
    "exceeds": "↑",
    "falls short": "↓",
    "consistent": "≈",
    "inconclusive": "?",
}

ROLES = {
    "method": "Method",
    "baseline": "Baselines",
    "ablation": "Ablations",
    "control": "Controls",
}

#: Follows a tuned value at the edge of its space.
AT_EDGE = "(edge)"

#: Precedes what a method tried beyond a rival.
MORE = "▲"
UNEVEN = f"{MORE} marks a method that tried more configurations on a data set than a rival did."

#: What the numbers of a table are.
MEANS = "Mean ± half-width of the 95 % t interval."
BEST_MEANS = "best mean of its column"

#: How a number can be followed to its trials, from a page that cannot be clicked.
TRACED = (
    "Each number's trials are listed in report.html and trials.parquet; “repro explain” traces a "
    "cell to its trials, hosts, commit and data."
)

#: How claims are judged.
CLAIMS = (
    "A claim is tested seed by seed, in both directions. Holm's correction keeps the chance of any "
    "false verdict in a family at 5 %. “Undecided” means that the data do not settle it, not that "
    "the claim is wrong."
)

#: What a second stage means beside the first.
SECOND_STAGE = (
    "Its verdicts come from its own seeds alone and stand beside the first stage's, which stay as "
    "they are."
)

#: Why an interval and a verdict may seem to disagree.
INTERVALS = (
    "Intervals of advantages are simultaneous: with at least 95 % probability all those of a "
    "family (the paper's claims, or our controls) hold the true advantages at once, as far as "
    "t intervals can. They show sizes and do not make the verdict. A claim can be supported "
    "although an interval reaches 0: all its comparisons must hold together, which needs no "
    "correction over them, and Holm's correction over the claims is the milder one. A claim can be "
    "undecided although no interval reaches 0: the sign test beside t may not reach the level, or "
    "trials may be missing."
)


def number(value: float | None, decimals: int) -> str:
    """Return ``value`` with fixed decimals; what is no finite number in words."""
    if value is None:
        return "—"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.{decimals}f}" if abs(value) < 1e7 else f"{value:.3e}"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: "1 run", "2 runs"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def typeset(text: str) -> str:
    """Return a sentence with minus signs before numbers and narrow spaces before units.

    For pages that are read; files that are copied from or searched keep what a keyboard has.
    """
    text = re.sub(r"(?<![\w.)\]/-])-(?=\.?\d)", "−", text)
    return re.sub(r"(?<=\d) (?=(?:%|s|min|h|MiB|GiB)(?!\w))", "\u202f", text)


def state_label(cell: Cell) -> str:
    """Return the cell's state in words, with counts; empty for a complete cell."""
    if cell.state == "complete":
        return ""
    if cell.state == "diverged":
        return f"diverged {cell.diverged}/{cell.planned}"
    if cell.state not in ("incomplete", "stale"):
        return cell.state
    parts = [f"{cell.state} {len(cell.shown)}/{cell.planned}"]
    if cell.state == "incomplete" and cell.stale:
        parts.append(f"{len(cell.stale)} stale")
    if cell.diverged:
        parts.append(f"{cell.diverged} diverged")
    return ", ".join(parts)


def marked_state(cell: Cell) -> str:
    """Return the state's shape and words; empty for a complete cell."""
    return f"{SYMBOLS[cell.state]} {state_label(cell)}".strip()


def direction(metric: Metric) -> str:
    """Return which way is better."""
    return {"lower": "lower is better", "higher": "higher is better"}.get(metric.better, "")


def metric_title(metric: Metric) -> str:
    """Return label, unit and direction, for a table's heading."""
    unit = f" [{metric.unit}]" if metric.unit else ""
    which = direction(metric)
    return f"{metric.label}{unit}" + (f", {which}" if which else "")


def devices(records: Iterable[TrialRecord]) -> list[str]:
    """Return the devices that finished trials ran on."""
    names = {str(record.cost.get("device", "")) for record in records if record.cost}
    return sorted("CPU" if name == "cpu" else name for name in names if name)


def banner(plan: Plan, records: Sequence[TrialRecord]) -> str:
    """Return scale, seeds and device: part of every caption."""
    seeds = f"{plan.seeds} seed" + ("" if plan.seeds == 1 else "s")
    device = ", ".join(devices(records)) or "nothing finished yet"
    parts = [f"{plan.scale_name} scale", seeds, device]
    return " · ".join(["partial selection", *parts] if plan.partial else parts)


def scale_note(plan: Plan) -> str:
    """Return what a reader must know about numbers of this scale; empty at the paper's own."""
    if plan.scale_name == "paper":
        return ""
    return (
        f"These are numbers of the {plan.scale_name} scale: other data, models and budgets than "
        f"the paper's. They are not comparable with the paper's numbers, and a verdict on a claim "
        f"is about direction only."
    )


def partial_note(plan: Plan) -> str:
    """Return what a partial selection means; empty for the spec's own selection."""
    if not plan.partial:
        return ""
    return (
        "Partial: seeds, data sets or methods were chosen on the command line. This report decides "
        "nothing new."
    )


def printed_note(plan: Plan) -> str:
    """Return what the paper's numbers beside ours are; empty where none is compared."""
    if plan.scale_name != "paper" or not plan.spec.reported:
        return ""
    sources = ", ".join(dict.fromkeys(entry.source for entry in plan.spec.reported))
    kinds = {entry.spread_kind for entry in plan.spec.reported if entry.spread}
    spread = " and ".join(_SPREADS[kind] for kind in sorted(kinds))
    return f"Paper: as printed ({sources})" + (f", ± {spread}." if spread else ".")


_SPREADS = {
    "": "as printed",
    "ci95": "half of a 95 % interval",
    "sd": "standard deviation",
    "se": "standard error",
}


def duration(seconds: float) -> str:
    """Return seconds, minutes or hours, whichever reads best."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def moment(text: str) -> str:
    """Return a time as stored (ISO 8601) to the minute, in UTC; what is none as it is."""
    try:
        when = datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return text
    return when.strftime("%Y-%m-%d %H:%M UTC")


def memory(size: float | None) -> str:
    """Return bytes as MiB or GiB."""
    if not size:
        return "—"
    return f"{size / 2**20:,.0f} MiB" if size < 2**30 else f"{size / 2**30:,.1f} GiB"
