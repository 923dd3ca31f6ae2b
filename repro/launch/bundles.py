"""From trials to jobs: grouped by what they need, short ones bundled, arrays cut to size."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from repro.execution.together import MOST_TOGETHER
from repro.spec import Resources
from repro.trials.trial import Trial

#: A trial that takes as long as this has a job of its own, and a bundle takes about as long.
BUNDLE_SECONDS = 600.0
#: What it costs to start a job and to import what its trials need: a bundle is to be worth that.
_WORTH_SECONDS = 10.0

Bundle = tuple[Trial, ...]


@dataclass(frozen=True)
class Array:
    """The bundles of one submission.

    ``throttle``  how many of them may run at once: SLURM's ``%N``
    ``after``     the place of the array that must end before this one starts
    """

    bundles: tuple[Bundle, ...]
    throttle: int
    after: int | None = None


def resources_of(trial: Trial, resources: Resources) -> Resources:
    """Return what ``trial`` needs, given what its scale says."""
    own = resources.methods.get(trial.setting.method)
    changes = {} if own is None else {k: v for k, v in vars(own).items() if v is not None}
    return replace(resources, methods={}, **changes)


def grouped(trials: Sequence[Trial], resources: Resources) -> list[tuple[Resources, list[Trial]]]:
    """Return the trials that need the same, in their order."""
    groups: dict[tuple[int, int, float], list[Trial]] = defaultdict(list)
    for trial in trials:
        need = resources_of(trial, resources)
        groups[need.gpus, need.cpus, need.memory_gb].append(trial)
    return [(resources_of(group[0], resources), group) for group in groups.values()]


def shares(sizes: Sequence[int], places: int) -> list[int]:
    """Share ``places`` out among groups of so many trials: one at least to each, more to the large.

    Only where there are more groups than places is the sum more than ``places``.
    """
    found = [1] * len(sizes)
    for _ in range(places - len(sizes) if sizes else 0):
        neediest = max(range(len(sizes)), key=lambda place: sizes[place] / found[place])
        found[neediest] += 1
    return found


def bundled(
    trials: Sequence[Trial],
    seconds: Callable[[Trial], float],
    places: int,
    limit_seconds: float,
    together: Callable[[Trial], str] = lambda _: "",
) -> list[Bundle]:
    """Return the trials as the bundles that one job each will run.

    ``seconds``  how long a trial is expected to take
    ``places``   how many jobs may run at once
    ``limit_seconds``  a job's time limit: a bundle fills at most half of it
    ``together``  what trials share that are best run as one; empty where a trial runs alone
    """
    target = min(BUNDLE_SECONDS, limit_seconds / 2)
    expected = {trial.trial_id: max(seconds(trial), 0.01) for trial in trials}
    long = [trial for trial in trials if expected[trial.trial_id] >= target]
    short = [trial for trial in trials if expected[trial.trial_id] < target]
    total = sum(expected[trial.trial_id] for trial in short)
    number = max(math.ceil(total / target), min(places, math.ceil(total / _WORTH_SECONDS)))
    units = _units(short, expected, target, together)
    parts = _spread(units, expected, min(number, len(units)))
    order = {trial.trial_id: place for place, trial in enumerate(trials)}
    # Seed by seed within a bundle too, so that an early look at a run sees each cell.
    bundles = [tuple(sorted(part, key=lambda t: order[t.trial_id])) for part in parts if part]
    return [(trial,) for trial in long] + bundles


def arrays(bundles: Sequence[Bundle], most_tasks: int, parallel: int) -> list[Array]:
    """Cut ``bundles`` into arrays of at most ``most_tasks`` that together keep to ``parallel``.

    Each array gets its share of ``parallel``. Where there are more arrays than that, they wait for
    each other in as many lines.
    """
    if not bundles:
        return []
    size = math.ceil(len(bundles) / math.ceil(len(bundles) / most_tasks))
    parts = [tuple(bundles[start : start + size]) for start in range(0, len(bundles), size)]
    lines = min(len(parts), parallel)
    return [
        Array(
            bundles=part,
            throttle=parallel // lines + (place % lines < parallel % lines),
            after=place - lines if place >= lines else None,
        )
        for place, part in enumerate(parts)
    ]


def _units(
    trials: Sequence[Trial],
    expected: dict[str, float],
    target: float,
    together: Callable[[Trial], str],
) -> list[Bundle]:
    """Return what a bundle takes whole: trials that run as one, as many as fit into it; or one."""
    alike: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        alike[together(trial) or trial.trial_id].append(trial)
    units: list[Bundle] = []
    for group in alike.values():
        longest = max(expected[trial.trial_id] for trial in group)
        size = min(MOST_TOGETHER, max(1, int(target / longest)))
        units += [tuple(group[start : start + size]) for start in range(0, len(group), size)]
    return units


def _spread(units: Sequence[Bundle], expected: dict[str, float], number: int) -> list[list[Trial]]:
    """Spread units over ``number`` bundles of about the same length, longest first."""
    heap = [(0.0, place) for place in range(number)]
    parts: list[list[Trial]] = [[] for _ in range(number)]
    lengths = [sum(expected[trial.trial_id] for trial in unit) for unit in units]
    for length, unit in sorted(zip(lengths, units, strict=True), key=lambda pair: -pair[0]):
        load, place = heapq.heappop(heap)
        parts[place] += unit
        heapq.heappush(heap, (load + length, place))
    return parts
