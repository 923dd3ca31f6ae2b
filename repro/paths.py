"""Where everything lies: the checkout's folders, and one paper's results at one scale."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

#: The checkout: Klaim runs from one, installed in editable mode.
ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "tables"
FIGURES = ROOT / "figures"
PROFILES = ROOT / "slurm"
#: What `make profile` writes: the losses timed on a GPU, and on a processor.
LOSS_PROFILES = (ROOT / "docs" / "profile.json", ROOT / "docs" / "profile-cpu.json")
#: What trials run: a job of a cluster runs a copy of these.
PACKAGES = ("repro", "models", "tasks", "methods", "baselines", "losses")


@dataclass(frozen=True)
class ResultPaths:
    """All paths below ``results/<paper>/<scale>``."""

    results: Path
    paper: str
    scale: str

    @cached_property
    def base(self) -> Path:
        """The folder of this paper at this scale."""
        return self.results / self.paper / self.scale

    @cached_property
    def trials(self) -> Path:
        """One folder per trial."""
        return self.base / "trials"

    @property
    def jobs(self) -> Path:
        """One folder per submission: lists of trials and the launcher's logs."""
        return self.base / "jobs"

    @property
    def code(self) -> Path:
        """Copies of the code that jobs run, of all papers and scales."""
        return self.results / "code"

    @property
    def seal(self) -> Path:
        """What the spec said when trials of the table started."""
        return self.base / "seal.jsonl"

    @property
    def second_stage(self) -> Path:
        """The one second stage, once it is planned."""
        return self.base / "second-stage.json"

    @property
    def artifacts(self) -> Path:
        """Shared artefacts, of all papers and scales."""
        return self.results / "artifacts"

    def report(self, *, partial: bool) -> Path:
        """The report of the spec's full selection, or of a subset chosen on the command line."""
        return self.base / ("report-partial" if partial else "report")
