"""A progress bar for one download, in the form that pooch asks for."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn


class DownloadBar:
    """Shows the bytes of one file on standard error; nothing where that is no terminal.

    pooch sets ``total`` to the size in bytes, calls ``update`` per chunk, ``reset`` and a last
    ``update`` at the end, then ``close``.
    """

    def __init__(self, name: str) -> None:
        self.total = 0
        columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        console = Console(stderr=True)
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._progress.add_task(name, total=None)

    def update(self, amount: int) -> None:
        """Add ``amount`` bytes."""
        self._progress.start()
        self._progress.update(self._task, total=self.total, advance=amount)

    def reset(self) -> None:
        """Start again at nought."""
        self._progress.reset(self._task)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._progress.stop()
