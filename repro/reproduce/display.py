"""Showing a run: a live table on a terminal, sparse plain lines elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from repro.launch.watch import Display
from repro.planning.estimate import Estimate, in_words
from repro.trials.store import TrialRecord
from repro.trials.trial import Trial

_LINE_SECONDS = 10.0
_ROWS = 16


class _Progress:
    """What both displays count: trials done, failed, and the time that is left."""

    def __init__(self, trials: Sequence[Trial], estimate: Estimate, places: int) -> None:
        self._trials = trials
        self._estimate = estimate
        self._places = max(places, 1)
        self._learned = 0
        self.total = len(trials)

    def counts(self, finished: Sequence[TrialRecord]) -> Counter[str]:
        for record in finished[self._learned :]:
            self._estimate.learn(record)
        self._learned = len(finished)
        return Counter(record.state for record in finished)

    def seconds_left(
        self, finished: Sequence[TrialRecord], unfinished: Sequence[TrialRecord]
    ) -> float:
        ended = {record.trial.trial_id for record in finished}
        left = [trial for trial in self._trials if trial.trial_id not in ended]
        started = sum(share(record) * self._estimate.seconds(record.trial) for record in unfinished)
        return max(self._estimate.total(left) - started, 0.0) / self._places

    def sentence(self, finished: Sequence[TrialRecord], unfinished: Sequence[TrialRecord]) -> str:
        counts = self.counts(finished)
        parts = [f"{len(finished)}/{self.total} trials"]
        if counts["failed"]:
            parts.append(f"{counts['failed']} failed")
        running = sum(record.state == "running" for record in unfinished)
        if running:
            parts.append(f"{running} running")
        if len(finished) < self.total:
            parts.append(f"about {in_words(self.seconds_left(finished, unfinished))} left")
        return " · ".join(parts)


class PlainDisplay:
    """A line at the start, at most one every ten seconds, and one at the end."""

    def __init__(self, progress: _Progress, console: Console) -> None:
        self._progress = progress
        self._console = console
        self._next = 0.0

    def update(self, finished: Sequence[TrialRecord], unfinished: Sequence[TrialRecord]) -> None:
        """Print where the run stands, unless a line was printed a moment ago."""
        ended = len(finished) == self._progress.total
        if time.monotonic() >= self._next or ended:
            line = self._progress.sentence(finished, unfinished)
            self._console.print(line, highlight=False, soft_wrap=True)
            self._next = time.monotonic() + _LINE_SECONDS


class LiveDisplay:
    """A table of the running trials with a bar each, over a bar for the whole."""

    def __init__(self, progress: _Progress, live: Live) -> None:
        self._progress = progress
        self._live = live

    def update(self, finished: Sequence[TrialRecord], unfinished: Sequence[TrialRecord]) -> None:
        """Draw the table anew."""
        running = [record for record in unfinished if record.state == "running"]
        overall = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=self._progress.total, completed=len(finished), width=40)
        overall.add_row(bar, Text(self._progress.sentence(finished, unfinished)))
        self._live.update(Group(_running_table(running), overall), refresh=True)


@contextlib.contextmanager
def display(trials: Sequence[Trial], estimate: Estimate, places: int) -> Iterator[Display]:
    """Give the display that suits standard output, for ``trials`` on ``places`` workers."""
    progress = _Progress(trials, estimate, places)
    console = Console()
    if not console.is_terminal:
        yield PlainDisplay(progress, console)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield LiveDisplay(progress, live)


def share(record: TrialRecord) -> float:
    """Return how much of a running trial is done, 0 to 1."""
    if record.beat is None or record.beat.total <= 0:
        return 0.0
    return min(record.beat.done / record.beat.total, 1.0)


def _running_table(running: Sequence[TrialRecord]) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    for heading in ("data set", "method", "setting", "seed", "progress", ""):
        table.add_column(heading, style="dim" if heading == "setting" else "")
    for record in running[:_ROWS]:
        setting = record.trial.setting
        bar = ProgressBar(total=1.0, completed=share(record), width=20)
        percent = f"{share(record):.0%}"
        place = (setting.dataset, setting.method, setting.variant, str(record.trial.seed))
        table.add_row(*place, bar, percent)
    if len(running) > _ROWS:
        table.add_row(f"and {len(running) - _ROWS} more")
    return table
