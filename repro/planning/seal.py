"""Sealing a spec: what verdicts are made by is written down before the first table trial runs.

Each line of ``seal.jsonl`` holds the hash of every part of the spec that a verdict or a choice
depends on. A line is added when a run starts with a part changed; lines are never removed. So the
report can say whether a claim, a margin or a number of seeds was changed after results were there.
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from repro.files import (
    make_directory,
    read_json,
    read_json_lines,
    sha256_of_json,
    write_json_lines,
)
from repro.planning.plan import Plan, stored_names, tuning_rules
from repro.spec import Reported, TableSpec
from repro.trials.store import TrialFolder


@dataclass(frozen=True)
class Seal:
    """What the seals of a paper at a scale say.

    ``sealed``   when the first one was set; empty where no table trial has started yet
    ``before``   number of table trials that were finished by then
    ``spec``     the first 16 digits of the present spec's hash
    ``changed``  (when, number of table trials finished by then, parts that changed), for each later
                 seal, and with an empty time for changes that no run has started with yet
    """

    sealed: str
    before: int
    spec: str
    changed: tuple[tuple[str, int, tuple[str, ...]], ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a reader must know, one sentence each."""
        if not self.sealed and self.before:
            return (f"The spec was never sealed, and {self.before} trials of the table finished.",)
        if not self.sealed:
            return ("The spec is not sealed yet: no trial of the table has finished.",)
        when = f"when {self.before} trials of the table had finished already"
        if not self.before:
            when = "before the table's first trial ran"
        first = f"The spec was sealed on {self.sealed}, {when}."
        if not self.changed:
            return (f"{first} It stands unchanged ({self.spec}).",)
        return (first, *(_sentence(*change) for change in self.changed))


def seal(plan: Plan) -> None:
    """Write down what the spec says now, unless the last seal says the same already."""
    parts = sealed_parts(plan.spec, plan.scale_name)
    lines = read_json_lines(plan.paths.seal)
    if lines and lines[-1].get("parts") == parts:
        return
    now = datetime.now(UTC).isoformat(timespec="seconds")
    make_directory(plan.paths.base)
    finished = stored_results(plan)
    line = {"time": now, "spec": sha256_of_json(parts), "parts": parts, "finished": finished}
    write_json_lines(plan.paths.seal, [*lines, line])


def read_seal(plan: Plan) -> Seal:
    """Return what the seals say of the present spec."""
    finished = stored_results(plan)
    present = sealed_parts(plan.spec, plan.scale_name)
    digest = sha256_of_json(present)[:16]
    lines = [line for line in read_json_lines(plan.paths.seal) if "parts" in line]
    if not lines:
        return Seal("", finished, digest, ())
    states = [*lines, {"time": "", "parts": present, "finished": finished}]
    changes = []
    for before, after in itertools.pairwise(states):
        names = _changed(before["parts"], after["parts"])
        # A change before any result stands is no change of a test whose outcome was known.
        if names and after["finished"]:
            changes.append((str(after["time"]), int(after["finished"]), tuple(names)))
    return Seal(str(lines[0]["time"]), int(lines[0]["finished"]), digest, tuple(changes))


def stored_results(plan: Plan) -> int:
    """Return how many trials of the table have ever finished here, by whatever version of the spec.

    Those of an earlier version, or of other data sets, were seen as well. Tuning's do not count:
    their seeds are none of a table's.
    """
    known = {trial.trial_id for trial in plan.tuning_trials}
    rules = tuning_rules(plan)
    seeds = set(rules.seeds) if rules else set()
    table = {trial.trial_id for trial in plan.trials}
    return sum(
        name in table or _seed(plan, name) not in seeds
        for name in stored_names(plan.paths.trials)
        if name not in known and TrialFolder(plan.paths.trials / name).result.is_file()
    )


def _seed(plan: Plan, name: str) -> int | None:
    content = read_json(TrialFolder(plan.paths.trials / name).trial)
    return None if content is None else content.get("identity", {}).get("seed")


def sealed_parts(spec: TableSpec, scale: str) -> dict[str, str]:
    """Return the hash of each part that a verdict or a choice depends on, by its key path.

    Labels, notes and the words of a claim are left out: to mend a sentence changes no test.
    """
    parts: dict[str, Any] = {"task": spec.task, "reported": spec.reported, "overall": spec.overall}
    parts |= {"tuning": spec.tuning, f"scales.{scale}": spec.scales[scale]}
    for group in ("metrics", "methods", "datasets"):
        parts |= {f"{group}.{key}": value for key, value in getattr(spec, group).items()}
    parts |= {f"claims.{claim.id}": claim for claim in spec.claims}
    return {name: sha256_of_json(_bare(value))[:16] for name, value in parts.items()}


def sealed_number(number: Reported) -> str:
    """Return the hash of one printed number, margin included."""
    return sha256_of_json(_bare(number))[:16]


_WORDS = ("label", "note", "description", "unit", "text", "tested_as", "title", "decimals", "table")


def _bare(value: Any) -> Any:
    """Return ``value`` as JSON, without what is for reading alone."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kept = [f.name for f in dataclasses.fields(value) if f.name not in _WORDS]
        return {name: _bare(getattr(value, name)) for name in kept}
    if isinstance(value, dict):
        return {str(key): _bare(item) for key, item in value.items()}
    return [_bare(item) for item in value] if isinstance(value, list | tuple) else value


def _changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return sorted(name for name in before | after if before.get(name) != after.get(name))


def _sentence(time: str, finished: int, names: tuple[str, ...]) -> str:
    when = f"On {time}" if time else "Since the last run"
    noun = "trial of the table had" if finished == 1 else "trials of the table had"
    return f"{when}, when {finished} {noun} finished, these were changed: {', '.join(names)}."
