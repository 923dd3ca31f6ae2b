"""The options of `fit`. Imports nothing heavy until they are there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def fit_points(
    points: Annotated[Path, typer.Argument(help="A CSV file with a header, a point per line.")],
    form: Annotated[
        str,
        typer.Option(
            help="power_law_with_constant (over one column), joint (over two), optimal_size, "
            "power_law, logarithmic, linear, exponential, exponential_with_constant."
        ),
    ] = "",
    parameters: Annotated[str, typer.Option(help="The column of model sizes.")] = "",
    tokens: Annotated[str, typer.Option(help="The column of training tokens.")] = "",
    compute: Annotated[str, typer.Option(help="The column of compute, 6 · size · tokens.")] = "",
    loss: Annotated[str, typer.Option(help="The column of losses.")] = "loss",
    seed: Annotated[str, typer.Option(help="The column of seeds, which are resampled.")] = "",
    huber_delta: Annotated[
        float | None,
        typer.Option(
            help="Larger residuals count linearly; joint: of ln loss, 0.001 by default. "
            "0: least squares, the other forms' default."
        ),
    ] = None,
    drop_highest: Annotated[int, typer.Option(help="Leave out so many highest losses.")] = 0,
    draws: Annotated[int, typer.Option(help="Resamples at most; 0: no intervals by them.")] = 500,
    generator_seed: Annotated[int, typer.Option(help="Of the generator that resamples.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw it: a .pdf, .png or .svg file.")] = None,
) -> None:
    """Fit a scaling law to the points of a file: parameters, intervals, extrapolation error."""
    from repro.fit.findings import Request, find
    from repro.fit.wording import as_json, text

    named = {
        "parameters": parameters,
        "tokens": tokens,
        "compute": compute,
        "loss": loss,
        "seed": seed,
    }
    columns = {what: name for what, name in named.items() if name}
    request = Request(points, columns, form, huber_delta, drop_highest, draws, generator_seed)
    if plot is not None:
        from repro.fit.picture import check_place

        check_place(plot)
    found = find(request)
    print(as_json(found) if json else text(found))
    if plot is not None:
        from repro.fit.picture import write

        write(found, plot)
