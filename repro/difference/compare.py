"""Which cells and verdicts of two reports differ, from what to what, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.cells.aggregate import base_name
from repro.difference.reasons import Reason, reasons
from repro.difference.stored import Group, Groups, StoredReport, named, read_report
from repro.errors import UserError
from repro.trials.fingerprint import moved

#: Reasons, each with the ``dataset/method`` places that it holds for; none where it is all of them.
Reasons = tuple[tuple[Reason, tuple[str, ...]], ...]

#: What is compared of a report as a whole.
_ABOUT = ("scale", "partial", "seeds", "headline")
#: Values of an entry that repeat what others say, or that are compared elsewhere.
_LEFT_OUT = ("trials", "comparisons", "deciding", "address", "id")


#: (data set, method) → its trials in the first and in the second report.
_Pairs = dict[tuple[str, str], tuple[Group, Group]]


@dataclass(frozen=True)
class Change:
    """One value that differs: its name, and what it was and is; ``None`` where there is none."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class ChangedItem:
    """A cell, a claim or another entry of a report that differs.

    ``only``     ``"a"`` or ``"b"`` where the other report has no such entry
    ``changes``  its values that differ
    """

    name: str
    only: str
    changes: tuple[Change, ...]
    reasons: Reasons

    def change(self, name: str) -> Change | None:
        """Return the change of one value, or ``None`` where it is the same."""
        return next((change for change in self.changes if change.name == name), None)

    @property
    def is_verdict(self) -> bool:
        """Whether its verdict or state is another one, or it is new or gone."""
        last = {change.name.rpartition(".")[2] for change in self.changes}
        return bool(self.only) or not last.isdisjoint({"verdict", "state"})


@dataclass(frozen=True)
class Difference:
    """What differs between report ``a`` and report ``b``.

    ``about``    scale, seeds, selection, headline
    ``second_claims`` and ``second_cells``  the verdicts of a second stage
    ``spec``     keys of the spec
    ``reasons``  what differs in the trials, whether or not a number moved with it
    """

    a: Path
    b: Path
    about: tuple[Change, ...]
    cells: tuple[ChangedItem, ...]
    claims: tuple[ChangedItem, ...]
    second_claims: tuple[ChangedItem, ...]
    second_cells: tuple[ChangedItem, ...]
    overall: tuple[ChangedItem, ...]
    spec: tuple[Change, ...]
    reasons: Reasons

    @property
    def nothing(self) -> bool:
        """Whether the two reports say the same and were made from the same."""
        said = (self.about, self.cells, self.claims, self.second_claims, self.second_cells)
        return not any((*said, self.overall, self.spec, self.reasons))


def difference(a: Path, b: Path) -> Difference:
    """Return what changed from the report at ``a`` to the one at ``b``, and why.

    Each is a report's folder or its ``verdicts.json``. No report there, or reports of two papers:
    ``UserError``.
    """
    return _Comparison(read_report(a), read_report(b)).difference()


class _Comparison:
    """Two reports side by side."""

    def __init__(self, a: StoredReport, b: StoredReport) -> None:
        papers = [report.verdicts["paper"] for report in (a, b)]
        if papers[0] != papers[1]:
            raise UserError(f"these are reports on two papers, {papers[0]} and {papers[1]}")
        self._a, self._b = a, b
        self._spec = _changes(*(named(report.verdicts.get("spec", {})) for report in (a, b)))
        old, new = (report.verdicts.get("sources", {}) for report in (a, b))
        self._sources = moved(old, new) if old and new else []

    def difference(self) -> Difference:
        old, new = ({key: r.verdicts.get(key) for key in _ABOUT} for r in (self._a, self._b))
        return Difference(
            a=self._a.folder,
            b=self._b.folder,
            about=_changes(old, new),
            cells=tuple(self._items("cells")),
            claims=tuple(self._items("claims")),
            second_claims=tuple(self._items("second_stage.claims")),
            second_cells=tuple(self._items("second_stage.cells")),
            overall=tuple(self._items("overall")),
            spec=self._spec,
            reasons=self._trial_reasons(self._first),
        )

    @property
    def _first(self) -> _Pairs:
        return _pairs(self._a.first, self._b.first)

    @property
    def _second(self) -> _Pairs:
        return _pairs(self._a.second, self._b.second)

    def _items(self, section: str) -> Iterator[ChangedItem]:
        old, new = self._a.entries(section), self._b.entries(section)
        for name in dict.fromkeys([*old, *new]):
            entries = [old.get(name, {}), new.get(name, {})]
            only = "" if all(entries) else "a" if entries[0] else "b"
            changes = () if only else _changes(_compared(entries[0]), _compared(entries[1]))
            if only or changes:
                yield ChangedItem(name, only, changes, self._why(section, name, entries, changes))

    def _why(
        self, section: str, name: str, entries: list[dict[str, Any]], changes: Sequence[Change]
    ) -> Reasons:
        entry = entries[1] or entries[0]
        stage = self._second if section.startswith("second_stage") else self._first
        if section.endswith("cells"):
            pairs = _only(stage, {entry["dataset"]}, {entry["method"]})
            keys = [f"metrics.{base_name(name.rpartition('/')[2])}", f"reported.{name}"]
            found = self._trial_reasons(pairs, sweeps=False)
        elif section == "overall":
            pairs = _only(self._first, set(), {entry["method"]})
            keys = [f"overall.{entry.get('entry', name)}"]
            found = self._trial_reasons(pairs, sweeps=False)
        else:
            pairs = self._of_claim(name, entries, stage)
            keys = [f"claims.{name}"]
            found = self._trial_reasons(pairs)
        found += self._spec_reasons(keys, pairs)
        found += tuple((reason, ()) for reason in _family(changes))
        return found or self._sources_reason()

    def _trial_reasons(self, pairs: _Pairs, *, sweeps: bool = True) -> Reasons:
        found: dict[Reason, list[str]] = {}
        for place, (old, new) in pairs.items():
            for reason in reasons(old, new, sweeps=sweeps):
                found.setdefault(reason, []).append("/".join(place))
        return tuple(
            (reason, () if len(where) == len(pairs) else tuple(where))
            for reason, where in found.items()
        )

    def _spec_reasons(self, keys: Sequence[str], places: Iterable[tuple[str, str]]) -> Reasons:
        """Return the changed keys of the spec that lie below ``keys`` or are of the places."""
        own = {f"datasets.{dataset}" for dataset, _ in places}
        own |= {f"methods.{method}" for _, method in places} | set(keys)
        return tuple(
            (Reason("spec", f"spec: {change.name}"), ())
            for change in self._spec
            if any(f"{change.name}.".startswith(f"{key}.") for key in own)
        )

    def _sources_reason(self) -> Reasons:
        """Blame the harness's own sources, where they moved and nothing else did."""
        if not self._sources:
            return ()
        more = f" and {len(self._sources) - 4} more" if len(self._sources) > 4 else ""
        text = f"the harness's own sources moved: {', '.join(self._sources[:4])}{more}"
        return ((Reason("sources", text), ()),)

    def _of_claim(self, name: str, entries: Iterable[dict[str, Any]], pairs: _Pairs) -> _Pairs:
        """Return the trials that a claim is about: those of its comparisons.

        A claim that could not be tested has none; then every trial counts.
        """
        compared = [one for entry in entries for one in entry.get("comparisons", [])]
        datasets = {one.get("dataset") for one in compared}
        methods = {one.get("rival") for one in compared}
        for report in (self._a, self._b):
            claims = report.verdicts.get("spec", {}).get("claims", [])
            of_this = [claim for claim in claims if claim.get("id") == name]
            methods |= {claim.get(key) for claim in of_this for key in ("method", "reference")}
        return _only(pairs, datasets, methods) if compared else pairs


def _pairs(a: Groups, b: Groups) -> _Pairs:
    return {place: (a.get(place, {}), b.get(place, {})) for place in sorted(a.keys() | b.keys())}


def _only(pairs: _Pairs, datasets: set[str], methods: set[str]) -> _Pairs:
    """Keep the trials of these data sets and methods; none named: of any."""
    return {
        (dataset, method): both
        for (dataset, method), both in pairs.items()
        if (not datasets or dataset in datasets) and method in methods
    }


def _changes(before: Any, after: Any, path: str = "") -> tuple[Change, ...]:
    """Return what differs in nested JSON. What is missing is the same as what is empty."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        same = before == after or (_empty(before) and _empty(after))
        return () if same else (Change(path, _leaf(before), _leaf(after)),)
    return tuple(
        change
        for name in dict.fromkeys([*before, *after])
        for change in _changes(
            before.get(name), after.get(name), f"{path}.{name}" if path else name
        )
    )


def _empty(value: Any) -> bool:
    """Say whether a value is what an absent key means; the number 0 is not."""
    return value is None or value is False or value in ("", [], {})


def _leaf(value: Any) -> Any:
    return "an entry" if isinstance(value, dict) else value


def _compared(entry: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in entry.items() if name not in _LEFT_OUT}
    found: dict[str, Any] = named(kept)
    return found


def _family(changes: Iterable[Change]) -> Iterator[Reason]:
    """Yield the reason that other claims of the family are, where the claim's own p is the same."""
    named = {change.name: change for change in changes}
    size = named.get("family_size")
    if size is not None:
        yield Reason("family", f"its family has {size.after} claims, had {size.before}")
    elif "p_holm" in named and "p" not in named:
        yield Reason("family", "its own p is the same; others of its family moved")
