"""Two figures of a record: the roofline, and how near each variant comes to the copy rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from losses.profile.record import of_copy_rate

_MODE = "forward + gradient"
_COLOURS = {"ours": "#1b6ca8", "eager": "#b0b0b0", "torch.compile": "#e0a030"}


def draw(record: dict[str, Any], folder: Path) -> list[Path]:
    """Write ``roofline.svg`` and ``copy_rate.svg`` into ``folder``. Needs matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "klaim"  # the same record draws the same file
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, plot in (("roofline", _roofline), ("copy_rate", _bars)):
        figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
        plot(axes, record)
        axes.set_title(
            f"{record['device']['name']}, {record['timestamp'][:10]}, {_MODE}", fontsize=9
        )
        path = folder / f"{name}.svg"
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)
        paths.append(path)
    return paths


def _results(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [r for r in record["results"] if r["mode"] == _MODE and "time_ms" in r]


def _roofline(axes: Any, record: dict[str, Any]) -> None:
    """Bytes that must move against the rate at which they did; products against theirs."""
    copy, product = (record["ceilings"][k] for k in ("copy_tb_per_s", "product_tflop_per_s"))
    ridge = product / copy
    intensities = [0.25, ridge, 8 * ridge]
    axes.plot(intensities, [min(copy * x, product) for x in intensities], color="black")
    for result in _results(record):
        if not (result["products"] or result["least_bytes"]):
            continue  # a loss whose least work is not known has no place on a roofline
        seconds = result["time_ms"]["p50"] * 1e-3
        # A sweep does some twenty operations per logit of two bytes; products count their own.
        work = result["products"] or 10 * result["least_bytes"]
        moved = result["least_bytes"] or work / (8 * ridge)
        low, high = (work / (ms * 1e-3) / 1e12 for ms in reversed(result["time_ms"]["interval"]))
        rate = work / seconds / 1e12
        axes.errorbar(
            work / moved,
            rate,
            yerr=[[max(0, rate - low)], [max(0, high - rate)]],
            fmt="o",
            color=_COLOURS.get(result["variant"], "#7a4da0"),
        )
    axes.set(xscale="log", yscale="log", xlabel="operations per byte", ylabel="TFLOP/s")
    axes.text(0.3, copy * 0.3, f"copy: {copy:.3g} TB/s", fontsize=8, rotation=30)
    axes.text(ridge, product * 1.1, f"products: {product:.3g} TFLOP/s", fontsize=8)


def _bars(axes: Any, record: dict[str, Any]) -> None:
    shares = [(r, of_copy_rate(record, r)) for r in _results(record)]
    shown = [(result, share) for result, share in shares if share is not None]
    labels = [f"{result['operation']}, {result['variant']}" for result, _ in shown]
    colours = [_COLOURS.get(result["variant"], "#7a4da0") for result, _ in shown]
    axes.barh(labels, [share for _, share in shown], color=colours)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.invert_yaxis()
    axes.tick_params(labelsize=7)
    axes.set_xlabel("bytes that the fused scheme must move, over time, as a part of the copy rate")
