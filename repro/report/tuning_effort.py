"""What tuning took and chose, per method, for the report: who tried how much, what stands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from repro.cells.aggregate import dataset_entry
from repro.planning.plan import Plan
from repro.planning.tuning import LedgerEntry, Tried
from repro.report import wording
from repro.report.earlier_tuning import Earlier, earlier_configurations


@dataclass(frozen=True)
class Value:
    """A parameter's chosen value. ``at_edge``: a better one may lie outside its space."""

    name: str
    text: str
    at_edge: bool

    @property
    def words(self) -> str:
        """Name, value, and the mark of an edge."""
        return f"{self.name} = {self.text}" + (f" {wording.AT_EDGE}" if self.at_edge else "")


@dataclass(frozen=True)
class Choice:
    """What a method tried and chose on one data set. ``lost`` configurations failed or diverged."""

    dataset: str
    tried: int
    lost: int
    values: tuple[Value, ...]
    seconds: float
    note: str
    entry: LedgerEntry

    @property
    def words(self) -> str:
        """The chosen values, or why there are none."""
        values = ", ".join(value.words for value in self.values)
        return "; ".join(filter(None, (values, self.note)))


@dataclass(frozen=True)
class Effort:
    """One method's tuning over all data sets.

    ``more``  what it tried beyond a rival, in words; empty where it had no advantage
    """

    method: str
    label: str
    choices: tuple[Choice, ...]
    more: str

    @property
    def tried(self) -> int:
        """Number of configurations, over all data sets."""
        return sum(choice.tried for choice in self.choices)

    @property
    def seconds(self) -> float:
        """Wall time of all its tuning trials."""
        return sum(choice.seconds for choice in self.choices)


@dataclass(frozen=True)
class TuningEffort:
    """The section on tuning. ``selected``: by what, on which split and seeds, in a sentence."""

    selected: str
    efforts: tuple[Effort, ...]

    @property
    def uneven(self) -> bool:
        """Whether any method tried more than a rival."""
        return any(effort.more for effort in self.efforts)

    @property
    def edges(self) -> bool:
        """Whether any chosen value lies at the edge of its space."""
        values = [v for e in self.efforts for choice in e.choices for v in choice.values]
        return any(value.at_edge for value in values)


def tuning_effort(plan: Plan) -> TuningEffort | None:
    """Return what tuning took, from the plan's ledger; ``None`` where the harness tuned nothing."""
    if not plan.ledger:
        return None
    earlier = earlier_configurations(plan)
    efforts = tuple(_effort(plan, method, earlier) for method in plan.methods)
    return TuningEffort(_selected(plan), efforts)


def shown_params(tried: Tried) -> str:
    """Return a configuration in words."""
    return ", ".join(f"{name} = {_number(value)}" for name, value in tried.params.items())


def _selected(plan: Plan) -> str:
    entry = plan.ledger[0]
    seeds = ", ".join(map(str, entry.seeds))
    noun = "seed" if len(entry.seeds) == 1 else "seeds"
    metric = plan.spec.metric(entry.metric)
    # Only settings of the task can keep a tuning trial from its test fold.
    tuning = plan.spec.tuning
    apart = tuning is not None and bool({**tuning.task, **plan.scale.tuning.task})
    return (
        f"Each method may try {wording.counted(entry.budget, 'configuration')} on each data set, "
        f"on {noun} {seeds} that no table uses. The one with the best mean {metric.label} on the "
        f"{entry.split} split is chosen{'; no test fold is looked at' if apart else ''}."
    )


def _effort(plan: Plan, method: str, earlier: Earlier) -> Effort:
    entries = [entry for entry in plan.ledger if entry.method == method]
    return Effort(
        method,
        plan.spec.methods[method].label,
        tuple(_choice(plan, e, earlier.get((e.dataset, e.method), 0)) for e in entries),
        _more(plan, method, entries),
    )


def _choice(plan: Plan, entry: LedgerEntry, earlier: int) -> Choice:
    chosen = entry.chosen or {}
    lost = sum(tried.state in ("failed", "diverged") for tried in entry.configurations)
    note = entry.note
    if entry.chosen is None:
        waiting = any(tried.state == "waiting" for tried in entry.configurations)
        note = "tuning has not ended" if waiting else "every configuration failed"
    if earlier:
        verb = "was" if earlier == 1 else "were"
        found = wording.counted(earlier, "earlier configuration")
        told = f"{found}, no longer planned, {verb} tried as well"
        note = "; ".join(filter(None, (note, told)))
    return Choice(
        dataset_entry(plan.spec, entry.dataset).label,
        len(entry.configurations),
        lost,
        tuple(Value(n, _number(v), n in entry.at_edge) for n, v in chosen.items()),
        3600 * entry.hours,
        note,
        entry,
    )


def _more(plan: Plan, method: str, entries: Sequence[LedgerEntry]) -> str:
    """Return which rival tried fewer configurations on the same data set, the fewest of all.

    A rival with nothing to tune is none: no number of trials could have helped it.
    """
    counts = {(e.dataset, e.method): len(e.configurations) for e in plan.ledger}
    for entry in entries:
        rivals = {
            other: count
            for (dataset, other), count in counts.items()
            if dataset == entry.dataset and other != method and count
        }
        least = min(rivals, key=lambda name: rivals[name], default=None)
        if least is not None and len(entry.configurations) > rivals[least]:
            rival = plan.spec.methods[least].label
            return f"{len(entry.configurations)} against {rivals[least]} of {rival}"
    return ""


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
