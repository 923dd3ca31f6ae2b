"""Why the trials of two reports differ: what was added, what moved, what was run again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from repro.difference.stored import Group, Row, json_of
from repro.trials.fingerprint import moved

Kind = Literal[
    "seeds", "sweep", "state", "class", "params", "settings", "data", "code", "environment",
    "artefacts", "values", "spec", "sources", "family",
]  # fmt: skip


@dataclass(frozen=True)
class Reason:
    """One thing that differs behind a cell or a claim, in words."""

    kind: Kind
    text: str


def reasons(before: Group, after: Group, *, sweeps: bool) -> list[Reason]:
    """Return why two groups of trials of one method on one data set may say different things.

    ``sweeps``  whether a sweep's trials count, beside the table's
    """
    old = {place: row for place, row in before.items() if sweeps or not place[0]}
    new = {place: row for place, row in after.items() if sweeps or not place[0]}
    found = [*_coming_and_going(old, new)]
    seeds: dict[Reason, set[int]] = {}
    for place in old.keys() & new.keys():
        for reason in _moved(old[place], new[place]):
            seeds.setdefault(reason, set()).add(place[1])
    shared = {seed for _, seed in old.keys() & new.keys()}
    found += [_with_seeds(reason, of, shared) for reason, of in seeds.items()]
    return sorted(found, key=lambda reason: (_KINDS.index(reason.kind), reason.text))


def in_ranges(seeds: Iterable[int]) -> str:
    """Return numbers as ``0–4, 7``."""
    ranges: list[list[int]] = []
    for seed in sorted(seeds):
        if ranges and seed == ranges[-1][-1] + 1:
            ranges[-1].append(seed)
        else:
            ranges.append([seed])
    return ", ".join(f"{r[0]}–{r[-1]}" if len(r) > 1 else str(r[0]) for r in ranges)


_KINDS: tuple[Kind, ...] = get_args(Kind)

#: What a trial was made of: column of the trials' table → kind and words.
_MADE_OF: tuple[tuple[Kind, str, str], ...] = (
    ("data", "data", "data moved"),
    ("code", "code", "code moved"),
    ("environment", "environment", "other versions"),
    ("artefacts", "artifacts", "artefacts moved"),
)


def _coming_and_going(before: Group, after: Group) -> Iterator[Reason]:
    for title, more, fewer in (("added", after, before), ("removed", before, after)):
        known = {seed for _, seed in fewer}
        seeds = {seed for _, seed in more} - known
        if seeds and known:
            yield Reason("seeds", f"seeds {title}: {in_ranges(seeds)}")
        elif seeds:
            yield Reason("seeds", f"all trials {title} (seeds {in_ranges(seeds)})")
        swept = {place for place, _ in more} - {place for place, _ in fewer} - {""}
        if swept and known:
            yield Reason("sweep", f"settings of the sweep {title}: {', '.join(sorted(swept))}")


def _moved(before: Row, after: Row) -> Iterator[Reason]:
    """Yield what differs between two trials in the same place."""
    yield from _other_trial(before, after)
    if before["state"] != after["state"]:
        yield Reason("state", f"{before['state']} → {after['state']}{_detail(after)}")
    made = list(_made_of(before, after))
    yield from made
    same = before.get("trial_id") == after.get("trial_id") and not made
    if same and _has_values(before) and _has_values(after) and _values(before) != _values(after):
        hosts = " and ".join(dict.fromkeys(str(row.get("host")) for row in (before, after)))
        text = f"other values from the same code, data and versions (run on {hosts})"
        yield Reason("values", text)


def _detail(row: Row) -> str:
    """Return why a trial is stale or failed, where the report says so."""
    if row["state"] == "stale":
        return f": {', '.join(json.loads(row.get('moved') or '[]'))} moved since"
    lines = str(row.get("error") or "").splitlines()
    return f": {lines[0]}" if row["state"] == "failed" and lines else ""


def _other_trial(before: Row, after: Row) -> Iterator[Reason]:
    """Yield what makes the two different trials by their identity."""
    for column, title in (("task", "task"), ("class", "class")):
        if before.get(column) != after.get(column):
            yield Reason("class", f"{title}: {before.get(column)} → {after.get(column)}")
    kinds: tuple[tuple[Kind, str, str], ...] = (
        ("params", "params", "parameter"),
        ("settings", "task_settings", "setting"),
    )
    for kind, column, title in kinds:
        old, new = json_of(before, column), json_of(after, column)
        for name in _differing(old, new):
            values = f"{old.get(name, 'default')} → {new.get(name, 'default')}"
            yield Reason(kind, f"{title} {name}: {values}")
    if before.get("dataset_identity") != after.get("dataset_identity"):
        yield Reason("data", "the user's file has other content")


def _made_of(before: Row, after: Row) -> Iterator[Reason]:
    for kind, column, title in _MADE_OF:
        old, new = json_of(before, column), json_of(after, column)
        # Where a trial has not run, nothing is known of what it would have been made of.
        names = _differing(old, new) if _has_run(before) and _has_run(after) else []
        if names and kind == "environment":
            names = [f"{n} {old.get(n, 'none')} → {new.get(n, 'none')}" for n in names]
        if names:
            yield Reason(kind, f"{title}: {', '.join(names)}")


def _has_run(row: Row) -> bool:
    return bool(json_of(row, "code") or json_of(row, "environment"))


def _has_values(row: Row) -> bool:
    return row["state"] in ("done", "stale")


def _values(row: Row) -> dict[str, str]:
    """Return the metrics as text, so that NaN equals NaN; a column of another trial is none."""
    metrics = {name: value for name, value in row.items() if name.startswith("metric.")}
    return {name: repr(value) for name, value in metrics.items() if value is not None}


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return moved(*({name: repr(value) for name, value in each.items()} for each in (before, after)))


def _with_seeds(reason: Reason, seeds: set[int], shared: set[int]) -> Reason:
    """Name the seeds of a reason that does not hold for all that both reports have."""
    if seeds == shared:
        return reason
    return Reason(reason.kind, f"{reason.text} (seed {in_ranges(seeds)})")
