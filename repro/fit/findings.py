"""From a file of points to a fit with its intervals: what the verb `fit` finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro.curves import FORMS, HUBER_DELTA, Bootstrap, Extrapolation, bootstrap
from repro.errors import UserError, did_you_mean
from repro.fit.models import ALL_FORMS, DEFAULTS, JOINT, OPTIMAL_SIZE, Curve, Frontier, Joint, Model
from repro.fit.points import COMPUTE, COUNTS, LOSS, PARAMETERS, TOKENS, Points, read_points

Interval = tuple[float, float]

#: A fit takes some 5 µs per point: so many points are fitted again by all resamples together, but
#: by ten resamples at least.
_MOST_REFITTED, _LEAST_DRAWS = 4_000_000, 10


@dataclass(frozen=True)
class Request:
    """What a user asks for.

    ``columns``         the names of the file's columns, by what they hold
    ``form``            "" for the default of the columns that are named
    ``huber_delta``     ``None`` for the form's default, 0 for least squares
    ``drop_highest``    how many of the highest losses are left out
    ``draws``           resamples at most; 0: no bootstrap
    ``generator_seed``  of the generator that draws them
    """

    path: Path
    columns: Mapping[str, str]
    form: str = ""
    huber_delta: float | None = None
    drop_highest: int = 0
    draws: int = 500
    generator_seed: int = 0


@dataclass(frozen=True)
class Parameter:
    """An estimate, with what is known of its error; ``None`` where nothing is.

    ``logarithmic``  whether the interval is that of its logarithm
    """

    name: str
    value: float
    standard_error: float | None
    interval: Interval | None
    profile: Interval | None
    logarithmic: bool = False


@dataclass(frozen=True)
class Findings:
    """A fit.

    ``points``    those that were fitted; ``dropped``: how many were not
    ``resampled`` what the bootstrap drew, in words; "" where there was none
    """

    request: Request
    points: Points
    model: Model
    form: str
    huber_delta: float | None
    parameters: tuple[Parameter, ...]
    bootstrap: Bootstrap | None
    resampled: str
    extrapolations: tuple[Extrapolation, ...]
    notes: tuple[str, ...]

    @property
    def dropped(self) -> int:
        """How many points of the file were left out."""
        return self.request.drop_highest


def find(request: Request) -> Findings:
    """Return the fit that ``request`` asks for. What a user can mend: ``UserError``."""
    form = _form(request)
    _check(request, form)
    points = read_points(request.path, request.columns, _positive(form))
    left = len(points) - request.drop_highest
    if left < 1:
        dropped = request.drop_highest
        raise UserError(f"{request.path}: {len(points)} points, so {dropped} cannot be dropped")
    points = points.without_highest(request.drop_highest)
    delta = _delta(request, form)
    try:
        model = _model(form, points, delta)
        estimate = dict(model.estimate(np.arange(len(points))))
    except ValueError as error:  # the forms say what they need
        raise UserError(f"{request.path}: {left} points do not do for {form}: {error}") from error
    draws, capped = _draws(request, points)
    drawn, resampled = _bootstrap(request, points, model, draws)
    judged, open_ended = model.judged(drawn) if drawn and isinstance(model, Curve) else (drawn, [])
    profiles = model.profiles()
    return Findings(
        request,
        points,
        model,
        form,
        delta,
        tuple(_parameter(name, value, judged, profiles) for name, value in estimate.items()),
        drawn,
        resampled,
        tuple(model.extrapolations()),
        (*model.notes(), *open_ended, *(capped if drawn else ())),
    )


def logarithmic(name: str, drawn: Bootstrap) -> bool:
    """Say whether a parameter's interval is that of its logarithm: a coefficient above 0."""
    values = drawn.resampled[name]
    return name.endswith("coefficient") and bool((values[~np.isnan(values)] > 0).all())


def _form(request: Request) -> str:
    named = [what for what in COUNTS if what in request.columns]
    form = request.form or DEFAULTS.get(len(named), "")
    if not named or not form:
        given = f"{len(named)} are named" if named else "none is named"
        raise UserError(
            f"name the columns to fit over: --parameters, --tokens or --compute, or --parameters "
            f"and one of the other two ({given})"
        )
    if form not in ALL_FORMS:
        raise UserError(f"unknown form {form!r}{did_you_mean(form, ALL_FORMS)}")
    wanted = {
        JOINT: ({PARAMETERS, TOKENS}, {PARAMETERS, COMPUTE}),
        OPTIMAL_SIZE: ({PARAMETERS, COMPUTE},),
    }.get(form, tuple({what} for what in COUNTS))
    if set(named) not in wanted:
        options = " or ".join(" ".join(f"--{w}" for w in COUNTS if w in one) for one in wanted)
        got = " ".join(f"--{what}" for what in named)
        raise UserError(f"the form {form} is fitted over {options}, not over {got}")
    return form


def _check(request: Request, form: str) -> None:
    for name in request.columns.values():
        twice = [other for other, own in request.columns.items() if own == name]
        if len(twice) > 1:
            options = " and ".join(f"--{one}" for one in twice)
            raise UserError(f"{options} name one column, {name!r}: each needs a column of its own")
    delta = request.huber_delta
    if delta is not None and not 0 <= delta < np.inf:
        raise UserError(f"--huber-delta is {delta:g}: it must be 0 (least squares) or more")
    if delta and form == OPTIMAL_SIZE:
        raise UserError(f"the form {OPTIMAL_SIZE} knows no --huber-delta: leave it out")
    if request.drop_highest < 0:
        raise UserError(f"--drop-highest is {request.drop_highest}: it must be 0 or more")
    if request.draws < 0 or request.generator_seed < 0:
        raise UserError("--draws and --generator-seed must be 0 or more")


def _positive(form: str) -> tuple[str, ...]:
    """Return what must be above 0: the logarithm of it is taken."""
    if form == JOINT:
        return (*COUNTS, LOSS)
    return COUNTS if form == OPTIMAL_SIZE or FORMS[form].logarithmic else ()


def _delta(request: Request, form: str) -> float | None:
    if request.huber_delta is None:
        return HUBER_DELTA if form == JOINT else None
    return request.huber_delta or None


def _model(form: str, points: Points, delta: float | None) -> Model:
    if form == JOINT:
        return Joint(points, delta)
    return Frontier(points) if form == OPTIMAL_SIZE else Curve(form, points, delta)


def _draws(request: Request, points: Points) -> tuple[int, list[str]]:
    """Return how many resamples may be taken, and why fewer than were asked for."""
    most = max(_LEAST_DRAWS, _MOST_REFITTED // len(points))
    if request.draws <= most:
        return request.draws, []
    return most, [
        f"{most} resamples at most, not {request.draws}: each is a fit to {len(points):,} points. "
        "Their standard errors are rough, and the intervals wider for it"
    ]


def _bootstrap(
    request: Request, points: Points, model: Model, draws: int
) -> tuple[Bootstrap | None, str]:
    """Return the bootstrap over seeds, or over points where there are none, and its name."""
    if draws == 0 or (points.seeds is None and not model.resampling):
        return None, ""
    units = np.arange(len(points)) if points.seeds is None else np.array(points.seeds)
    generator = np.random.default_rng(request.generator_seed)
    drawn = bootstrap(model.estimate, units, generator, draws)
    what = "points" if points.seeds is None else "seeds"
    return drawn, f"{drawn.units} {what}"


def _parameter(
    name: str, value: float, drawn: Bootstrap | None, profiles: Mapping[str, Interval]
) -> Parameter:
    if drawn is None:
        return Parameter(name, value, None, None, profiles.get(name))
    error = drawn.standard_error(name)
    of_logarithm = logarithmic(name, drawn)
    interval = drawn.interval(name, logarithmic=of_logarithm)
    finite = error if np.isfinite(error) else None
    said = of_logarithm and interval is not None
    return Parameter(name, value, finite, interval, profiles.get(name), said)
