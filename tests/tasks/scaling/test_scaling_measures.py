"""Measures: ladders made from a known law give the law back; rivals by hand."""

import math

import numpy as np
import pytest

from baselines.scaling.last_value import LastValue
from baselines.scaling.logarithmic import Logarithmic
from baselines.scaling.power_law import PowerLaw
from methods.scaling_laws import PowerLawWithConstant
from tasks.scaling import measures
from tasks.scaling.domains import EXTRAPOLATION, TEST
from tasks.scaling.measures import (
    Ladder,
    best_sizes,
    by_size,
    frontier,
    frontier_divergence,
    joint_law,
    late_fall,
    out_of_sample,
    whole_ladder,
)

SIZES = 1536.0 * np.array([1, 4, 9, 16, 36, 64])
TOKENS = np.geomspace(2e4, 4e5, 12)
ENTROPY, A, ALPHA, B, BETA = 1.5, 12.0, 0.4, 200.0, 0.6


def losses(sizes=SIZES, tokens=TOKENS):
    return ENTROPY + A / sizes[:, None] ** ALPHA + B / tokens**BETA


def ladder(**others):
    return Ladder(SIZES, TOKENS, **{"losses": {TEST: losses()}, **others})


def test_the_law_of_size_is_found_and_foretells_the_largest():
    exact = Ladder(SIZES, TOKENS, {TEST: ENTROPY + A / SIZES[:, None] ** ALPHA + 0 * TOKENS})
    found = out_of_sample(exact, PowerLawWithConstant())
    assert found["size_error"] == pytest.approx(0, abs=1e-6)
    assert found["forecast_error"] == pytest.approx(0, abs=1e-3)
    constant = whole_ladder(exact, PowerLawWithConstant())["constant"]
    assert constant == pytest.approx(ENTROPY, abs=1e-4)


def test_the_joint_law_is_found():
    found = joint_law(ladder())
    assert found["joint_constant"] == pytest.approx(ENTROPY, abs=1e-3)
    assert found["joint_best_size_exponent"] == pytest.approx(BETA / (ALPHA + BETA), abs=1e-3)
    # The best size by search, at 8 times the compute of the smallest model's whole run.
    sizes = np.geomspace(1e2, 1e7, 20_001)
    tokens = 8 * SIZES[0] * TOKENS[-1] / sizes
    best = sizes[np.argmin(A / sizes**ALPHA + B / tokens**BETA)]
    assert found["joint_log_best_size@8"] == pytest.approx(math.log(best / SIZES[0]), abs=1e-2)
    # One step of a level is a factor in compute, so that the slope over its logarithm is the power.
    rise = found["joint_log_best_size@16"] - found["joint_log_best_size@4"]
    assert rise / math.log(4) == pytest.approx(found["joint_best_size_exponent"])
    assert found["joint_explained"] == pytest.approx(1)


def test_a_joint_law_that_does_not_fit_says_nothing_of_sizes():
    """Models that learn all at once, each after its own number of tokens."""
    first = 4e5 / np.sqrt(SIZES / SIZES[0])
    own = Ladder(SIZES, TOKENS, {TEST: np.where(first[:, None] < TOKENS, 0.5, 3.0)})
    found = joint_law(own)
    assert found.keys() == {"joint_explained"}
    assert found["joint_explained"] < measures.LEAST_EXPLAINED


@pytest.mark.parametrize(("alpha", "beta", "share"), [(0.4, 0.1, 1.0), (0.1, 0.8, 0.2)])
def test_the_ladders_ends_hold_the_vertices_exponent_and_not_that_of_the_joint_law(
    alpha, beta, share
):
    """The small table's sizes and looks, and laws whose true exponents are 0.2 and 0.89."""
    tokens = 1024 * np.unique(np.geomspace(10, 250, 10).round())
    middle = [float(np.exp(np.log(x).mean())) for x in (SIZES, tokens)]
    made = 1.5 + (SIZES[:, None] / middle[0]) ** -alpha + share * (tokens / middle[1]) ** -beta
    own = Ladder(SIZES, tokens, {TEST: made})
    assert 0.5 < best_sizes(own)["best_size_exponent"] < 0.7
    found = joint_law(own)["joint_best_size_exponent"]
    assert found == pytest.approx(beta / (alpha + beta), abs=0.02)


def test_losses_that_no_size_lowers_have_no_best_size():
    flat = ENTROPY + 0 * SIZES[:, None] + B / TOKENS**BETA
    found = joint_law(Ladder(SIZES, TOKENS, {TEST: flat}))
    assert found["joint_constant"] > 0
    assert found.keys() == {"joint_explained", "joint_constant"}


def test_rivals_by_hand():
    x, y = np.array([1.0, math.e, math.e**2]), np.array([3.0, 2.0, 1.0])
    line = Logarithmic().fitted(x, y)
    assert line.predict([math.e**3])[0] == pytest.approx(0)
    assert line.place_of(0.0) == pytest.approx(math.e**3)
    law = PowerLaw(huber_delta=None).fitted(x, 4 * x**-0.5)
    assert law.predict([16.0])[0] == pytest.approx(1)
    assert law.place_of(1.0) == pytest.approx(16)
    assert law.constant == 0
    last = LastValue().fitted(x[::-1], y[::-1])
    assert last.predict([5.0, 9.0]).tolist() == [1, 1]
    assert last.place_of(0.5) == math.inf
    bent = PowerLawWithConstant().fitted(x, 1 + x**-1.0)
    assert bent.place_of(0.9) == math.inf
    assert bent.place_of(1.01) == pytest.approx(100, rel=1e-3)


def test_a_forecast_that_never_comes_counts_as_the_most_doublings():
    assert out_of_sample(ladder(), LastValue())["forecast_error"] == 10.0
    last, largest = losses()[-2:, -1]
    assert out_of_sample(ladder(), LastValue())["size_error"] == pytest.approx(last - largest)


def test_the_frontier_is_what_no_cheaper_point_beats():
    compute, lowest = frontier(ladder(), slice(None))
    kept = ladder().counted(measures.LAW_FROM)
    every_c, every_l = ladder().compute[:, kept], losses()[:, kept]
    assert (np.diff(compute) > 0).all()
    assert (np.diff(lowest) < 0).all()
    for c, loss in zip(compute, lowest, strict=True):
        assert (every_l[every_c < c] > loss).all()


def test_early_points_do_not_count():
    own = Ladder(SIZES, np.array([10.0, 300.0, 1000.0]), {TEST: losses()[:, :3]})
    assert own.counted(measures.SIZES_FROM) == slice(1, None)
    assert own.counted(measures.LAW_FROM) == slice(1, None)
    assert own.counted(0.5) == slice(2, None)


def test_best_sizes_follow_the_power_of_the_joint_law(monkeypatch):
    """With many sizes and tokens: N_opt ∝ C^(β / (α + β))."""
    monkeypatch.setattr(measures, "SIZES_FROM", 0.0)
    sizes = np.geomspace(1e3, 1e7, 60)
    tokens = np.geomspace(1e4, 1e9, 80)
    dense = Ladder(sizes, tokens, {TEST: losses(sizes, tokens)})
    found = best_sizes(dense)
    # The ladder's ends have a stretch of the frontier each, which flattens the law.
    assert BETA / (ALPHA + BETA) - 0.1 < found["best_size_exponent"] < BETA / (ALPHA + BETA)
    slope = math.log(found["best_size@16"] / found["best_size@4"]) / math.log(4)
    assert slope == pytest.approx(found["best_size_exponent"])
    # Without the ends the law's own exponent comes back.
    assert found["inner_best_size_exponent"] == pytest.approx(BETA / (ALPHA + BETA), abs=0.02)


def test_one_model_on_the_frontier_has_no_exponent():
    flat = np.ones((6, 1)) * (3 - 0.1 * np.arange(12))
    found = best_sizes(Ladder(SIZES, TOKENS, {TEST: flat}))
    assert found.pop("frontier_models") == 1
    assert all(math.isnan(value) for value in found.values())


def test_a_frontier_of_two_points_has_no_law_of_compute():
    rising = np.array([2.0, 1.0])[None] + np.arange(6)[:, None]
    own = Ladder(SIZES, np.array([500.0, 1000.0]), {TEST: rising})
    assert math.isnan(out_of_sample(own, PowerLawWithConstant())["compute_error"])
    assert "compute_constant" not in whole_ladder(own, PowerLawWithConstant())


def test_constants_are_set_against_the_truth():
    exact = Ladder(
        SIZES, TOKENS, {TEST: ENTROPY + A / SIZES[:, None] ** ALPHA + 0 * TOKENS}, true_loss=1.25
    )
    found = whole_ladder(exact, PowerLawWithConstant())
    assert found["constant_error"] == pytest.approx(ENTROPY / 1.25 - 1, abs=1e-4)
    assert found["compute_constant_error"] == pytest.approx(found["compute_constant"] / 1.25 - 1)
    assert whole_ladder(exact, PowerLaw())["constant_error"] == -1
    unknown = whole_ladder(ladder(), PowerLawWithConstant())
    assert unknown.keys() == {"constant", "compute_constant"}


def test_the_frontiers_divergence_by_compute():
    assert frontier_divergence(ladder()) == {}
    found = frontier_divergence(ladder(true_loss=ENTROPY))
    levels = (1, 2, 4, 8, 16, 32, 64)
    assert list(found) == [f"frontier_divergence@{c}" for c in levels]
    compute, lowest = frontier(ladder(), slice(None))
    assert found["frontier_divergence@64"] == pytest.approx(lowest[-1] - ENTROPY)
    for level in levels:
        place = level * 6 * SIZES[0] * TOKENS[-1]
        loss = found[f"frontier_divergence@{level}"] + ENTROPY
        assert lowest[compute >= place][0] <= loss + 1e-12
        assert loss <= lowest[compute <= place][-1] + 1e-12
    broken = losses()
    broken[2, 9:] = math.nan
    diverged = frontier_divergence(Ladder(SIZES, TOKENS, {TEST: broken}, ENTROPY))
    assert len(diverged) == len(levels)
    assert all(math.isnan(value) for value in diverged.values())


def test_four_models_on_the_frontier_have_no_exponent_without_the_ends(monkeypatch):
    """Their two inner models are a line through two points, which fits whatever they are."""
    monkeypatch.setattr(measures, "SIZES_FROM", 0.0)
    tokens = np.geomspace(1e4, 1e9, 80)
    for count in (4, 5):
        sizes = np.geomspace(1e3, 1e7, count)
        found = best_sizes(Ladder(sizes, tokens, {TEST: losses(sizes, tokens)}))
        assert found["frontier_models"] == count
        assert ("inner_best_size_exponent" in found) == (count == 5)


def test_losses_that_rise_with_size_make_no_rising_law():
    own = Ladder(SIZES, TOKENS, {TEST: losses()[::-1] + 0 * TOKENS})
    law = PowerLawWithConstant().fitted(own.sizes, own.final)
    assert np.ptp(law.predict([1e3, 1e6, 1e9])) == pytest.approx(0, abs=1e-9)
    assert law.place_of(0.5) == math.inf


def test_a_ladder_that_diverges_has_no_best_size():
    broken = losses()
    broken[2, 5:] = math.nan
    found = best_sizes(Ladder(SIZES, TOKENS, {TEST: broken}))
    assert all(math.isnan(value) for value in found.values())


def test_columns_by_size():
    classified = [{"loss": 0.1 * k, "error_rate": 0.01 * k} for k in range(6)]
    found = by_size(
        ladder(
            true_loss=ENTROPY,
            classification=classified,
        )
    )
    assert {name.partition("@")[2] for name in found} == {"1", "4", "9", "16", "36", "64"}
    assert found["divergence@64"] == pytest.approx(losses()[-1, -1] - ENTROPY)
    assert found["error_rate@4"] == 0.01


def test_extrapolation_that_depends_on_the_loss_alone_is_the_same_at_matched_loss():
    inside = losses() + 2e4 / TOKENS**BETA
    own = ladder(losses={TEST: inside, EXTRAPOLATION: 2 * inside + 0.1})
    found = by_size(own)
    level = inside[1:].min(axis=1).max()
    assert "matched_extrapolation@1" not in found  # the smallest may only guess
    for size in own.relative[1:]:
        assert found[f"matched_extrapolation@{size}"] == pytest.approx(2 * level + 0.1)
    assert found["extrapolation_loss@64"] == pytest.approx(2 * inside[-1, -1] + 0.1)


def test_extrapolation_that_depends_on_size_alone_differs_at_matched_loss():
    """The same losses in range, and beyond it a gain that grows with the size and nothing else."""
    inside = losses()
    share = (np.log(SIZES / SIZES[0]) / np.log(64))[:, None]
    own = ladder(losses={TEST: inside, EXTRAPOLATION: 5 - share * (5 - inside)})
    found = by_size(own)
    matched = [found[f"matched_extrapolation@{size}"] for size in own.relative[1:]]
    slope = np.polyfit(np.log(own.relative[1:]), matched, 1)[0]
    assert slope < -0.03  # what the table's claim allows


def test_nothing_is_matched_where_a_model_has_learnt_nothing():
    inside = np.minimum(losses() + 2e4 / TOKENS**BETA, 3.0)
    inside[1] = 2.95
    worlds = [
        ladder(losses={TEST: inside, EXTRAPOLATION: inside}, guess_loss=guess)
        for guess in (3.0, 4.0)
    ]
    names = [any("matched" in name for name in by_size(own)) for own in worlds]
    assert names == [False, True]


def test_the_late_fall_is_that_of_the_last_half_of_the_tokens():
    falling = 3 - np.log(TOKENS / TOKENS[0])
    own = ladder(losses={TEST: np.stack([falling, 0 * falling + 2] * 3)})
    assert late_fall(own) == pytest.approx([math.log(2), 0] * 3)


PAIRS = {
    "before": {"shown": 0.5, "blank": 4.0},
    "after": {"shown": 0.5, "blank": 2.0},
    "tokens": 10,
    "words": 5,
    "caption_entropy": None,
    "information": 14.0,
    "tested_information": 14.5,
}


def test_information_by_hand():
    found = by_size(ladder(pairs=[PAIRS] * 6))
    assert found["information@16"] == 15
    assert found["information_unprepared@16"] == 35
    assert found["information_error@16"] == 0.5
    assert found["information_gain@16"] == 15 / 20
    assert found["worth@16"] == 15 / 4  # 4 nats a word: 20 of a caption of 5 words
    checks = ("information_with_blanks", "information_without_blanks")
    assert [found[f"{name}@{level}"] for name in checks for level in (0, 1)] == [14.5, 15, 14.5, 35]


def test_the_worth_of_a_picture_that_is_foretold_is_by_the_true_words():
    """A model of pictures does not foretell captions: a word is worth its entropy."""
    pairs = {**PAIRS, "caption_entropy": math.log(8)}
    found = by_size(ladder(pairs=[pairs] * 6))
    assert found["worth@1"] == pytest.approx(15 / math.log(8))
    assert found["information_gain@1"] == pytest.approx(15 / (5 * math.log(8)))


def test_what_training_wrote_becomes_a_ladder():
    rungs = [
        {
            "size": size,
            "looks": [{"tokens": 10, TEST: 3.0}, {"tokens": 20, TEST: 2.0 + place}],
            "true_loss": None,
            "guess_loss": 3.5,
            "classification": None,
            "pairs": None,
        }
        for place, size in enumerate((100, 400))
    ]
    own = Ladder.of(rungs)
    assert own.final.tolist() == [2.0, 3.0]
    assert own.relative == [1, 4]
    assert own.compute.tolist() == [[6000, 12000], [24000, 48000]]
