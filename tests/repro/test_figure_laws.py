"""Figures of laws: ladders, best levels, residuals, likelihoods, by hand and in trouble."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figure_fixtures import drawn, figure_plan
from matplotlib.colors import to_rgb
from report_fixtures import SPEC, store_result
from scipy import stats
from scipy.spatial import ConvexHull

from repro.planning.plan import Plan
from repro.report.figures.axes import FewLogTicks, short
from repro.report.figures.content import FigureData, Panel, Series
from repro.report.figures.drawing import NARROW, draw
from repro.report.figures.labels import reading
from repro.report.figures.spec import FigureSpec
from repro.report.figures.style import LAW, method_styles, ordered_styles

METRIC = "fgsm_rmse"
LEVELS, STEPS = (1.0, 4.0, 16.0), (3.0, 10.0, 30.0, 100.0)
Loss = Callable[[int, float, float], float]


_LOSS = {"label": "Loss", "better": "lower", "unit": "nats", "levels": ["1", "4", "16"]}


def _plan(folder: Path, seeds: int = 3, levels: dict[str, Any] = _LOSS) -> Plan:
    """Return a plan whose metric has the levels 1, 4 and 16, and so many seeds."""
    scale = SPEC["scales"]["small"] | {"seeds": seeds, "sweep": {"datasets": [], "seeds": seeds}}
    claims = [claim for claim in SPEC["claims"] if claim["id"] == "estimator"]
    return figure_plan(
        folder, metrics=SPEC["metrics"] | {METRIC: levels}, scales={"small": scale}, claims=claims
    )


def _store(plan: Plan, loss: Loss, *, only: Callable[[int], bool] = lambda _: True) -> None:
    """Store trials of MSE on Gaussian noise, with the log and the end of each level."""
    for trial in plan.trials:
        key = (trial.setting.dataset, trial.setting.method)
        if key != ("gaussian", "mse") or not only(trial.seed):
            continue
        ends = {f"{METRIC}@{n:g}": loss(trial.seed, n, STEPS[-1]) for n in LEVELS}
        store_result(plan, trial, ends)
        lines = [
            {"step": s, **{f"{METRIC}@{n:g}": loss(trial.seed, n, s) for n in LEVELS}}
            for s in STEPS
        ]
        plan.folder(trial).curves.write_text("".join(json.dumps(one) + "\n" for one in lines))


def _one(folder: Path, plan: Plan, kind: str, **keys: Any) -> FigureData:
    figure = {"id": "one", "kind": kind, "title": "One", "metric": METRIC, "methods": ["mse"]}
    return drawn(folder, plan, [figure | {"datasets": ["gaussian"]} | keys])["one"]


def _panel(found: FigureData) -> Panel:
    (panel,) = found.panels
    return panel


def _series(found: FigureData, key: str) -> Series:
    return next(series for series in _panel(found).series if series.method == key)


def _noisy(seed: int, level: float, step: float) -> float:
    noise = np.random.default_rng([seed, int(level), int(step)]).normal(0, 0.01)
    return float(1.0 + 0.5 * level**-0.4 + 3.0 * step**-0.8 + noise)


def _rough(seed: int, level: float, step: float) -> float:
    """Return losses so noisy that the seeds' frontiers have other vertices."""
    return 5 * _noisy(seed, level, step) - 4 * _noisy(9, level, step)


def _interval(values: list[float]) -> tuple[float, float]:
    low, high = stats.t.interval(0.95, len(values) - 1, statistics.mean(values), stats.sem(values))
    return float(low), float(high)


COMPUTE = {(n, s): n * s / STEPS[-1] for n in LEVELS for s in STEPS}


def _means(seeds: int = 3) -> dict[tuple[float, float], float]:
    return {(n, s): statistics.mean(_noisy(k, n, s) for k in range(seeds)) for n, s in COMPUTE}


def test_a_ladder_is_the_means_against_compute_and_the_points_no_cheaper_one_beats(
    tmp_path: Path,
) -> None:
    plan = _plan(tmp_path)
    _store(plan, _noisy)
    found = _one(tmp_path, plan, "ladder", against="compute", from_share=0.1)
    means = _means()
    for n in LEVELS:
        points = _series(found, f"{METRIC}@{n:g}").points
        assert [p.x for p in points] == pytest.approx([COMPUTE[n, s] for s in STEPS])
        assert [p.y for p in points] == pytest.approx([means[n, s] for s in STEPS])
    late = {key: y for key, y in means.items() if key[1] >= 10}
    best = {
        (COMPUTE[key], y)
        for key, y in late.items()
        if not any(COMPUTE[o] <= COMPUTE[key] and late[o] < y for o in late)
    }
    front = _series(found, LAW)
    assert [(p.x, p.y) for p in front.points] == [
        (pytest.approx(x), pytest.approx(y)) for x, y in sorted(best)
    ]
    assert front.curve == ()
    assert found.x_label == "Compute [whole runs of the least level]"
    assert found.y_label == "Loss [nats]"


def test_against_steps_there_is_no_frontier(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    _store(plan, _noisy)
    found = _one(tmp_path, plan, "ladder")
    assert [series.label for series in _panel(found).series] == ["1", "4", "16"]
    assert [p.x for p in _series(found, f"{METRIC}@16").points] == list(STEPS)


@pytest.mark.parametrize("falling", [False, True])
def test_the_law_of_a_frontier_is_found_again(tmp_path: Path, falling: bool) -> None:
    """A loss that depends on compute alone puts every point on one law, in every seed's units."""
    shift = (0.0, 0.1, 0.5)
    plan = _plan(tmp_path)
    _store(plan, lambda seed, n, s: 1.0 + shift[seed] + 0.5 * (n * s / 100) ** -0.3)
    found = _one(
        tmp_path,
        plan,
        "ladder",
        against="compute",
        form="power_law_with_constant",
        falling=falling,
        log="x",
    )
    law = _series(found, LAW)
    assert law.note == ""
    assert law.curve[0].x == pytest.approx(0.03)
    assert law.curve[-1].x == pytest.approx(16.0)
    for point in law.curve:
        assert point.y == pytest.approx(1.2 + 0.5 * point.x**-0.3, abs=1e-5)
        # All that differs is the seeds' shift: the extreme draws are one seed three times, and the
        # band's end is as far from the curve as they are, times √(3 / 2).
        assert point.y_interval is not None
        low, high = point.y_interval
        assert low - point.y == pytest.approx(-0.2 * math.sqrt(1.5), abs=1e-5)
        assert high - point.y == pytest.approx(0.3 * math.sqrt(1.5), abs=1e-5)


def test_a_law_from_below_exceeds_no_mean_of_the_frontier(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    _store(plan, _noisy)
    keys = {"against": "compute", "form": "power_law_with_constant", "falling": True, "log": "x"}
    laws = [_series(_one(tmp_path, plan, "ladder", below=b, **keys), LAW) for b in (False, True)]
    above = []
    for law in laws:
        places, heights = np.log([c.x for c in law.curve]), [c.y for c in law.curve]
        above.append(max(np.interp(math.log(p.x), places, heights) - p.y for p in law.points))
    assert above[0] > 5e-3
    assert above[1] < 5e-4  # what interpolation over the curve's grid adds
    figure = FigureSpec(id="f", kind="ladder", title="F", metric=METRIC, below=True, **keys)
    assert "nearest to them from below" in reading(figure, plan)


def test_what_is_drawn_of_a_ladder_are_its_numbers(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    _store(plan, _noisy)
    found = _one(
        tmp_path, plan, "ladder", against="compute", form="power_law", log="x", level_label="N"
    )
    axes = draw(found, method_styles(plan.spec.methods, [])).axes[0]
    means = _means()
    for n, line in zip(LEVELS, axes.lines, strict=False):
        assert list(line.get_xdata()) == pytest.approx([COMPUTE[n, s] for s in STEPS])
        assert list(line.get_ydata()) == pytest.approx([means[n, s] for s in STEPS])
    law = axes.lines[len(LEVELS)]
    front = _series(found, LAW).points
    # The law by SciPy's own least squares, from the frontier's points alone.
    x, y = np.array([p.x for p in front]), np.array([p.y for p in front])
    from scipy.optimize import curve_fit

    (a, b), _ = curve_fit(lambda x, a, b: a * x**b, x, y, p0=(1.5, -0.1))
    assert list(law.get_ydata()) == pytest.approx(list(a * law.get_xdata() ** b), rel=1e-4)
    assert axes.get_xscale() == "log"
    assert axes.figure.legends[0].get_title().get_text() == "N"


def test_best_levels_are_the_vertices_of_each_seeds_hull(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    _store(plan, _rough)
    found = _one(tmp_path, plan, "optimum", log="xy", level_label="N")
    keys = list(COMPUTE)
    x = np.log([COMPUTE[key] for key in keys])
    seen: dict[tuple[float, float], int] = {}
    fits = []
    for seed in range(3):
        y = np.array([_rough(seed, *key) for key in keys])
        hull = ConvexHull(np.stack([x, y], 1))
        lower = {
            int(v)
            for facet, e in zip(hull.simplices, hull.equations, strict=True)
            if e[1] < 0
            for v in facet
        }
        lower = {v for v in lower if x[v] <= x[y.argmin()]}
        for v in lower:
            place = (round(math.exp(x[v]), 9), keys[v][0])
            seen[place] = seen.get(place, 0) + 1
        chosen = sorted(lower)
        fits.append(np.polyfit(x[chosen], np.log([keys[v][0] for v in chosen]), 1))
    points = [p for series in _panel(found).series if series.method != LAW for p in series.points]
    assert {(round(p.x, 9), p.y): p.weight for p in points} == seen
    law = _series(found, LAW)
    for point in law.curve[:: len(law.curve) - 1]:
        logs = [float(np.polyval(fit, math.log(point.x))) for fit in fits]
        assert math.log(point.y) == pytest.approx(statistics.mean(logs))
        assert point.y_interval is not None
        assert np.log(point.y_interval) == pytest.approx(_interval(logs))
    exponents = [float(fit[0]) for fit in fits]
    low, high = _interval(exponents)
    assert law.note == f"exponent {statistics.mean(exponents):.2f} ({low:.2f} to {high:.2f})"


def test_residuals_are_each_seeds_values_less_its_own_curve(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    _store(plan, _noisy)
    found = _one(tmp_path, plan, "residuals", forms=["linear", "power_law"])
    assert [label for _, label in found.methods] == ["Linear", "Power law"]
    values = np.array([[_noisy(seed, n, STEPS[-1]) for n in LEVELS] for seed in range(3)])
    left = [y - np.polyval(np.polyfit(LEVELS, y, 1), LEVELS) for y in values]
    points = _series(found, "form linear").points
    assert [p.x for p in points] == list(LEVELS)
    for point, column in zip(points, np.transpose(left), strict=True):
        assert point.y == pytest.approx(column.mean())
        assert point.y_interval == pytest.approx(_interval(column.tolist()))
    assert found.y_label == "Loss − curve [nats]"


def test_a_likelihood_is_the_textbooks_where_the_curve_is_a_line(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    _store(plan, _noisy)
    found = _one(tmp_path, plan, "likelihood", form="linear", parameter="slope", truth=0.0)
    values = np.array([[_noisy(seed, n, STEPS[-1]) for n in LEVELS] for seed in range(3)])
    line = stats.linregress(LEVELS, values.mean(axis=0))
    (series,) = _panel(found).series
    for point in series.curve:
        assert point.y == pytest.approx(((point.x - line.slope) / line.stderr) ** 2, abs=1e-6)
    assert _panel(found).threshold == pytest.approx(stats.t.ppf(0.975, 1) ** 2)
    assert _panel(found).truth == 0.0
    (mark,) = series.points
    slopes = [float(np.polyfit(LEVELS, y, 1)[0]) for y in values]
    assert (mark.x, mark.y) == (pytest.approx(line.slope), 0.0)
    assert mark.x_interval == pytest.approx(_interval(slopes))
    assert found.x_label == "Slope"
    assert "Upright line: the truth, 0." in found.reading


def _troubled(folder: Path, kind: str, loss: Loss, seeds: int = 3, **keys: Any) -> FigureData:
    plan = _plan(folder, seeds)
    _store(plan, loss)
    return _one(folder, plan, kind, **keys)


def _diverged(seed: int, level: float, step: float) -> float:
    lost = (seed, level) == (1, 16.0) and step > 20
    return math.nan if lost else _noisy(seed, level, step)


COMPUTED = {"against": "compute", "form": "power_law", "log": "x"}
LAWS: list[tuple[str, dict[str, Any]]] = [
    ("ladder", COMPUTED),
    ("ladder", {}),
    ("optimum", {"log": "xy"}),
    ("residuals", {"forms": ["linear", "power_law"], "log": "x"}),
    ("likelihood", {"form": "linear", "parameter": "slope"}),
]
NAMES = ["compute", "steps", "optimum", "residuals", "likelihood"]


def test_no_frontier_is_that_of_the_survivors(tmp_path: Path) -> None:
    found = _troubled(tmp_path, "ladder", _diverged, **COMPUTED)
    assert (_series(found, LAW).points, _series(found, LAW).curve) == ((), ())
    assert _series(found, LAW).note == "? no frontier"
    largest = _series(found, f"{METRIC}@16")
    assert [point.x for point in largest.points] == pytest.approx([0.48, 1.6])
    assert largest.note == "▲ 2 of 4 steps diverged or ended early"
    assert len(_series(found, f"{METRIC}@4").points) == len(STEPS)


def test_the_best_level_has_no_law_of_the_survivors(tmp_path: Path) -> None:
    found = _troubled(tmp_path, "optimum", _diverged)
    assert _series(found, LAW).note == "▲ 1 of 3 seeds diverged; ? no law"
    assert _series(found, LAW).curve == ()
    weights = [p.weight for s in _panel(found).series for p in s.points]
    assert max(weights) <= 2


@pytest.mark.parametrize(("kind", "keys"), LAWS[3:], ids=NAMES[3:])
def test_a_level_that_diverged_leaves_no_fit(
    tmp_path: Path, kind: str, keys: dict[str, Any]
) -> None:
    found = _troubled(tmp_path, kind, _diverged, **keys)
    assert found.panels == ()
    assert found.left_out == ("Gaussian noise is left out: no mean can be given there yet",)


@pytest.mark.parametrize(("kind", "keys"), LAWS, ids=NAMES)
@pytest.mark.parametrize("stored", [[], [0, 1]])
def test_nothing_is_drawn_of_a_part_of_the_seeds(
    tmp_path: Path, kind: str, keys: dict[str, Any], stored: list[int]
) -> None:
    plan = _plan(tmp_path)
    _store(plan, _noisy, only=lambda seed: seed in stored)
    found = _one(tmp_path, plan, kind, **keys)
    assert found.panels == ()
    (text,) = found.left_out
    assert text.startswith("Gaussian noise is left out: ")


@pytest.mark.parametrize(("kind", "keys"), LAWS, ids=NAMES)
@pytest.mark.parametrize(("seeds", "narrow"), [(1, False), (2, True), (3, False)])
def test_few_seeds_are_drawn_without_what_they_cannot_say(
    tmp_path: Path, kind: str, keys: dict[str, Any], seeds: int, narrow: bool
) -> None:
    found = _troubled(tmp_path, kind, _noisy, seeds, **keys)
    series = _panel(found).series
    banded = [p for one in series for p in one.curve if p.y_interval]
    if kind in ("ladder", "optimum"):
        assert bool(banded) == (seeds == 3 and found.spec.against != "step" and bool(keys))
    spans = [p for one in series for p in one.points if p.x_interval or p.y_interval]
    if seeds == 1:
        assert not spans
    styles = method_styles(SPEC["methods"], ["mse"])
    figure = draw(found, styles, narrow=narrow)
    figure.draw_without_rendering()
    width = figure.bbox.width
    boxes = [axes.get_tightbbox() for axes in figure.axes] + [
        legend.get_window_extent() for legend in figure.legends
    ]
    assert all(box.x0 >= -1 and box.x1 <= width + 1 for box in boxes)
    for index, one in enumerate(boxes):
        assert not any(one.padded(-1).overlaps(other.padded(-1)) for other in boxes[index + 1 :])
    assert narrow == (figure.get_figwidth() == NARROW)


def test_a_level_that_is_not_logged_is_left_out(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    _store(plan, _noisy)
    for trial in plan.trials:
        log = plan.folder(trial).curves
        if log.is_file():
            lines = [json.loads(line) for line in log.read_text().splitlines()]
            kept = [{k: v for k, v in line.items() if k != f"{METRIC}@4"} for line in lines]
            log.write_text("".join(json.dumps(line) + "\n" for line in kept))
    found = _one(tmp_path, plan, "ladder", **COMPUTED)
    assert [series.label for series in _panel(found).series] == ["1", "16", "Frontier's law"]


def test_a_frontier_of_too_few_points_has_no_law(tmp_path: Path) -> None:
    found = _troubled(
        tmp_path,
        "ladder",
        lambda seed, n, s: 1.0 + 0.1 * (s == STEPS[0]) + 0.01 * n,
        **COMPUTED | {"form": "power_law_with_constant"},
    )
    law = _series(found, LAW)
    assert law.note == "? no law: 2 points are fewer than 3 parameters"
    assert (len(law.points), law.curve) == (2, ())


def test_two_levels_on_the_typical_seeds_frontier_are_no_law(tmp_path: Path) -> None:
    """The largest level is never worth its compute."""
    losses = {1.0: 1.0, 4.0: 0.7, 16.0: 2.0}
    found = _troubled(tmp_path, "optimum", lambda seed, n, s: losses[n] + 1 / s, log="xy")
    law = _series(found, LAW)
    assert law.note == "? no exponent: the typical seed's frontier has two levels alone"
    assert law.curve == ()
    assert _series(found, f"{METRIC}@4").points


def test_one_level_alone_on_the_frontier_is_no_law(tmp_path: Path) -> None:
    found = _troubled(tmp_path, "optimum", lambda seed, n, s: n + 1 / s)
    assert _series(found, LAW).note == "? no law: 3 of 3 seeds have one level alone"


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.8, 80.0, [1, 2, 5, 10, 20, 50]),
        (0.03, 90.0, [0.1, 1, 10]),
        (12_000.0, 320_000.0, [20_000, 50_000, 100_000, 200_000]),
        (1e-9, 1e9, [1e-9, 1e-5, 1e-1, 1e3, 1e7]),
        (1.05, 1.4, [1.1, 1.2, 1.3, 1.4]),
    ],
)
def test_a_logarithmic_axis_has_a_few_round_numbers(
    low: float, high: float, ticks: list[float]
) -> None:
    shown = [t for t in FewLogTicks().tick_values(low, high) if low <= t <= high]
    assert shown == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.05, "0.05"),
        (2000, "2000"),
        (20_000, "20k"),
        (5e6, "5M"),
        (1e-5, "$10^{-5}$"),
        (3e10, r"$3\times10^{10}$"),
        (1e12, "$10^{12}$"),
        (0.0, "0"),
    ],
)
def test_numbers_on_an_axis_are_short(value: float, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize("count", [1, 2, 6, 12])
def test_ordered_colours_are_seen_on_white_and_on_the_dark_page(count: int) -> None:
    for style in ordered_styles([str(index) for index in range(count)]).values():
        inked = _luminance(style.color)
        for page in ("#ffffff", "#1d2024"):
            light, dark = sorted((inked, _luminance(page)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3


def _luminance(color: str) -> float:
    """Return the relative luminance of the Web Content Accessibility Guidelines."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_a_constant_that_may_be_0_is_drawn_down_to_it(tmp_path: Path) -> None:
    """Three points leave three parameters nothing over, so a level more is laid between them."""
    levels = {"label": "Loss", "better": "lower", "levels": ["1", "4", "9", "16"]}
    plan = _plan(tmp_path, levels=levels)
    ends = {1.0: 3.05, 4.0: 2.2, 9.0: 1.95, 16.0: 1.7}
    for trial in plan.trials:
        if (trial.setting.dataset, trial.setting.method) == ("gaussian", "mse"):
            own = {f"{METRIC}@{n:g}": y + 1.5 * (trial.seed - 1) for n, y in ends.items()}
            store_result(plan, trial, own)
    keys = {"form": "power_law_with_constant", "falling": True, "parameter": "constant"}
    found = _one(tmp_path, plan, "likelihood", **keys)
    (series,) = _panel(found).series
    assert series.curve[0].x == 0.0
    assert series.curve[0].y < (_panel(found).threshold or 0.0) < series.curve[-1].y
    (mark,) = series.points
    assert mark.x_interval is not None
    axes = draw(found, method_styles(plan.spec.methods, [])).axes[0]
    low, high = axes.get_xlim()
    cut = [low > mark.x_interval[0], high < mark.x_interval[1]]
    drawn_arrows = [line.get_marker() for line in axes.lines]
    assert [arrow in drawn_arrows for arrow in "<>"] == cut
    assert any(cut)
    assert "not a measurement" not in found.reading


FOUR = {"label": "Loss", "better": "lower", "levels": ["1", "4", "9", "16"]}
OF_CONSTANT = {"form": "power_law_with_constant", "parameter": "constant"}


def _store_ends(plan: Plan, ends: dict[float, float], noise: float) -> None:
    for trial in plan.trials:
        if (trial.setting.dataset, trial.setting.method) == ("gaussian", "mse"):
            random = np.random.default_rng(trial.seed)
            own = {f"{METRIC}@{n:g}": y + noise * random.normal() for n, y in ends.items()}
            store_result(plan, trial, own)


def test_an_estimate_on_its_bound_is_called_one(tmp_path: Path) -> None:
    plan = _plan(tmp_path, levels=FOUR)
    _store_ends(plan, {n: 1 - 0.3 * math.log(n) for n in (1.0, 4.0, 9.0, 16.0)}, 0.01)
    found = _one(tmp_path, plan, "likelihood", falling=True, truth=0.0, **OF_CONSTANT)
    assert _panel(found).series[0].points[0].x == 0.0
    assert found.reading.endswith("An estimate at 0 is the law's bound, not a measurement.")


def test_a_curve_that_does_not_level_off_has_no_likelihood_of_its_constant(tmp_path: Path) -> None:
    plan = _plan(tmp_path, levels=FOUR)
    _store_ends(plan, {n: 1 - 0.1 * n**0.5 for n in (1.0, 4.0, 9.0, 16.0)}, 0.01)
    found = _one(tmp_path, plan, "likelihood", **OF_CONSTANT)
    assert found.panels == ()
    assert found.left_out == (
        "Gaussian noise is left out: no constant: the curve does not level off",
    )


def test_points_on_the_curve_have_no_likelihood(tmp_path: Path) -> None:
    plan = _plan(tmp_path, levels=FOUR)
    _store_ends(plan, {n: 1 + n**-0.5 for n in (1.0, 4.0, 9.0, 16.0)}, 0.0)
    found = _one(tmp_path, plan, "likelihood", **OF_CONSTANT)
    assert found.panels == ()
    assert found.left_out == (
        "Gaussian noise is left out: no profile: no scatter is left about the curve",
    )


def test_an_estimate_whose_resamples_do_not_level_off_is_drawn_without_ends(
    tmp_path: Path,
) -> None:
    plan = _plan(tmp_path, levels=FOUR)
    laws: list[Callable[[float], float]] = [
        lambda n: 1 + n**-0.8 + 0.01 * (n == 4),
        lambda n: 1.01 + n**-0.8,
        lambda n: 2 - 0.1 * n**0.3,
    ]
    for trial in plan.trials:
        if (trial.setting.dataset, trial.setting.method) == ("gaussian", "mse"):
            law = laws[trial.seed]
            store_result(plan, trial, {f"{METRIC}@{n}": law(n) for n in (1, 4, 9, 16)})
    found = _one(tmp_path, plan, "likelihood", **OF_CONSTANT)
    assert _panel(found).series[0].points[0].x_interval == (-math.inf, math.inf)
    draw(found, method_styles(plan.spec.methods, [])).draw_without_rendering()
