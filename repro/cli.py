"""The command line: one verb per thing to do. Imports nothing heavy until a verb needs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.errors import EXIT_TRIALS_FAILED, EXIT_USER_ERROR, UserError
from repro.fit.command import fit_points

if TYPE_CHECKING:
    from repro.merge import Prefer
    from repro.planning.plan import Plan, Selection

app = typer.Typer(
    name="repro",
    help="Run a paper's headline table again and say which of its claims hold.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Paper = Annotated[str, typer.Argument(help="A paper's key (`repro list` shows them), or `all`.")]
OnePaper = Annotated[str, typer.Argument(help="A paper's key; `repro list` shows them.")]
Scale = Annotated[str, typer.Option(help="smoke (seconds), small (minutes) or paper (GPUs).")]
Results = Annotated[Path, typer.Option(help="Where results are kept.")]
Seeds = Annotated[int | None, typer.Option(help="Run seeds 0 … n-1 in place of the spec's.")]
Datasets = Annotated[str, typer.Option(help="Only these, by comma; file:<path> adds your own.")]
Methods = Annotated[str, typer.Option(help="Only these, by comma.")]
LauncherName = Annotated[
    str, typer.Option(help="local (all cores), debug (this process) or slurm (jobs of a cluster).")
]
Cluster = Annotated[str, typer.Option(help="slurm: a profile in slurm/, or a file of your own.")]
Jobs = Annotated[
    int, typer.Option(help="Trials at once; 0: one per core, or as the profile says.", min=0)
]
Stale = Annotated[str, typer.Option(help="Results of older code: auto, rerun or keep.")]
Retry = Annotated[str, typer.Option(help="`failed` runs failed trials again.")]
Report = Annotated[Path, typer.Argument(help="A report's folder, or its verdicts.json.")]
TrialId = Annotated[str, typer.Argument(help="The first digits of a trial's id.")]

_RESULTS = Path("results")
_STALE_RULES = ("auto", "rerun", "keep")


def main() -> None:
    """Run the command line. A user's mistake ends in one line and exit status 2."""
    try:
        app()
    except UserError as error:
        print(f"repro: {error}", file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)


@app.command("list")
def list_papers(results: Results = _RESULTS) -> None:
    """Show the papers, their scales, and what their last reports said."""
    from repro.overview import overview

    print(overview(results))


@app.command()
def plan(
    paper: Paper,
    scale: Scale = "small",
    seeds: Seeds = None,
    datasets: Datasets = "",
    methods: Methods = "",
    launcher: LauncherName = "local",
    cluster: Cluster = "",
    jobs: Jobs = 0,
    results: Results = _RESULTS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="What `plan` does anyway.")] = True,
) -> None:
    """Say what `reproduce` would run and what that costs. Starts nothing."""
    del dry_run
    from repro.reproduce.command import RunOptions
    from repro.status import plan_text

    options = RunOptions(launcher, jobs, cluster=cluster)
    selection = _selection(seeds, datasets, methods)
    for one in _plans(paper, scale, results, selection):
        print(plan_text(one, options))


@app.command()
def reproduce(
    paper: Paper,
    scale: Scale = "small",
    seeds: Seeds = None,
    datasets: Datasets = "",
    methods: Methods = "",
    launcher: LauncherName = "local",
    cluster: Cluster = "",
    jobs: Jobs = 0,
    results: Results = _RESULTS,
    stale: Stale = "auto",
    retry: Retry = "",
    settle: Annotated[bool, typer.Option("--settle", help="Add the one second stage.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="As `plan`.")] = False,
) -> None:
    """Run what is missing, then show the table and where the report is."""
    from repro.reproduce.command import RunOptions
    from repro.reproduce.command import reproduce as run
    from repro.status import plan_text

    _one_of("STALE", stale, _STALE_RULES)
    if retry:
        _one_of("RETRY", retry, ("failed",))
    options = RunOptions(launcher, jobs, stale, retry == "failed", settle, cluster)
    selection = _selection(seeds, datasets, methods)
    statuses = []
    for one in _plans(paper, scale, results, selection):
        if dry_run:
            print(plan_text(one, options))
        else:
            statuses.append(run(one, options))
    raise typer.Exit(max(statuses, default=0))


@app.command()
def status(
    paper: Paper,
    scale: Scale = "small",
    seeds: Seeds = None,
    datasets: Datasets = "",
    methods: Methods = "",
    results: Results = _RESULTS,
) -> None:
    """Show each method's trials by state, what failed and why, and what made trials stale."""
    from repro.status import status_text

    for one in _plans(paper, scale, results, _selection(seeds, datasets, methods)):
        print(status_text(one))


@app.command()
def cancel(paper: Paper, scale: Scale = "small", results: Results = _RESULTS) -> None:
    """End the jobs and workers of a paper at a scale, and nothing else; results stay."""
    from repro.launch.cancel import cancel_sweep
    from repro.paths import ResultPaths

    for key in _papers(paper, scale):
        print(cancel_sweep(ResultPaths(results.absolute(), key, scale)))


@app.command()
def report(
    paper: Paper,
    scale: Scale = "small",
    seeds: Seeds = None,
    datasets: Datasets = "",
    methods: Methods = "",
    results: Results = _RESULTS,
) -> None:
    """Write the report from the results that there are (`all`: an index too). Runs no trial."""
    from repro.reproduce.command import report as write

    for one in _plans(paper, scale, results, _selection(seeds, datasets, methods)):
        write(one, one.records())
    if paper == "all":
        from repro.report.index import write_index

        print(f"\nAll papers: {write_index(results.absolute())}")


@app.command()
def explain(
    paper: OnePaper,
    cell: Annotated[str, typer.Option(help="data set/method or data set/method/metric.")] = "",
    claim: Annotated[str, typer.Option(help="A claim's id: its tests, its cells.")] = "",
    scale: Scale = "small",
    seeds: Seeds = None,
    datasets: Datasets = "",
    methods: Methods = "",
    results: Results = _RESULTS,
) -> None:
    """Trace a printed number, or every verdict, to the trials behind it."""
    from repro.explain import explain as trace

    one = _one_plan(paper, scale, results, _selection(seeds, datasets, methods))
    print(trace(one, one.records(), cell or None, claim or None))


@app.command()
def diff(report_a: Report, report_b: Report) -> None:
    """Say which cells and verdicts changed from one report to another, and why."""
    from repro.difference import difference, difference_text

    print(difference_text(difference(report_a, report_b)))


@app.command()
def export(
    paper: OnePaper,
    to: Annotated[str, typer.Option(help="parquet or csv.")] = "parquet",
    output: Annotated[Path | None, typer.Option(help="The file to write.")] = None,
    curves: Annotated[bool, typer.Option("--curves", help="One row per logged point.")] = False,
    scale: Scale = "small",
    seeds: Seeds = None,
    datasets: Datasets = "",
    methods: Methods = "",
    results: Results = _RESULTS,
) -> None:
    """Write every trial, or every point of every curve, as one table."""
    from repro.export import export as write
    from repro.settle import all_records

    one = _one_plan(paper, scale, results, _selection(seeds, datasets, methods))
    print(write(one, all_records(one), to, output, curves=curves))


@app.command()
def merge(
    source: Annotated[Path, typer.Argument(help="A results folder from another machine.")],
    prefer: Annotated[str, typer.Option(help="Which of two that differ stays.")] = "ours",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say it; write nothing.")] = False,
    results: Results = _RESULTS,
) -> None:
    """Bring results from another machine into this results folder."""
    from repro.merge import merge as bring
    from repro.merge import merge_text

    theirs = _one_of("PREFER", prefer, ("ours", "theirs")) == "theirs"
    which: Prefer = "theirs" if theirs else "ours"
    summary = bring(source, results.absolute(), prefer=which, dry_run=dry_run)
    print(merge_text(summary))
    raise typer.Exit(EXIT_TRIALS_FAILED if summary.troubled else 0)


@app.command("run-trial")
def run_trial(
    paper: OnePaper, trial: TrialId, scale: Scale = "small", results: Results = _RESULTS
) -> None:
    """Run one trial in this process, in the foreground, again if it has a result."""
    from repro.status import find_trial
    from repro.status import run_trial as run

    one = _one_plan(paper, scale, results, None)
    raise typer.Exit(run(one, find_trial(one, trial)))


@app.command()
def logs(
    paper: OnePaper, trial: TrialId, scale: Scale = "small", results: Results = _RESULTS
) -> None:
    """Show one trial: what it is, its attempts, what it printed, its error."""
    from repro.status import find_trial, log_text

    one = _one_plan(paper, scale, results, None)
    print(log_text(one, find_trial(one, trial)))


@app.command()
def fetch(
    paper: Paper, scale: Scale = "paper", datasets: Datasets = "", results: Results = _RESULTS
) -> None:
    """Download and verify the data that a paper needs, before any trial starts."""
    from repro.fetch import fetch as get

    plans = _plans(paper, scale, results, _selection(None, datasets, ""))
    raise typer.Exit(max([get(one) for one in plans], default=0))


app.command("fit")(fit_points)


def _plans(paper: str, scale: str, results: Path, selection: Selection | None) -> list[Plan]:
    from repro.planning.plan import Selection
    from repro.reproduce.command import prepare

    chosen = selection or Selection()
    return [prepare(key, scale, results.absolute(), chosen) for key in _papers(paper, scale)]


def _papers(paper: str, scale: str) -> list[str]:
    from repro.spec import available_papers, paper_path
    from repro.spec.schema import SCALES

    _one_of("scale", scale, SCALES)
    if paper == "all":
        return available_papers()
    paper_path(paper)
    return [paper]


def _one_plan(paper: str, scale: str, results: Path, selection: Selection | None) -> Plan:
    if paper == "all":
        from repro.spec import available_papers

        papers = ", ".join(available_papers())
        raise UserError(f"this verb takes one paper, not `all`: name one of {papers}")
    (plan,) = _plans(paper, scale, results, selection)
    return plan


def _selection(seeds: int | None, datasets: str, methods: str) -> Selection:
    from repro.planning.plan import Selection

    return Selection(seeds, _names(datasets), _names(methods))


def _names(text: str) -> tuple[str, ...] | None:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return names or None


def _one_of(what: str, value: str, valid: tuple[str, ...]) -> str:
    if value not in valid:
        raise UserError(f"unknown {what} {value!r}; valid: {', '.join(valid)}")
    return value


if __name__ == "__main__":
    main()
