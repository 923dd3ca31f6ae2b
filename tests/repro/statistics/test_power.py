"""What seeds can find, and how many are needed, against SciPy, simulated seeds and brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from repro.statistics.nonparametric import permutation_test, sign_test, signed_rank_test
from repro.statistics.power import (
    AskedTest,
    SignTest,
    detection_power,
    further_seeds,
    least_attainable_p,
    least_n,
    refusal,
    sign_power,
    smallest_detectable,
    t_power,
)


@pytest.mark.parametrize(
    ("n", "level", "resplit"), [(5, 0.05, 0), (5, 0.0125, 0.25), (7, 0.0125, 0)]
)
def test_where_t_stands_alone_the_smallest_detectable_effect_has_its_power(
    n: int, level: float, resplit: float
) -> None:
    effect = smallest_detectable(n, level, 0.8, resplit)
    centre = effect / math.sqrt(1 / n + resplit)
    critical = stats.t.ppf(1 - level / 2, n - 1)
    assert stats.nct.sf(critical, n - 1, centre) == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize(("n", "resplit"), [(5, 0), (6, 0), (9, 0), (20, 0), (6, 0.25), (20, 0.25)])
def test_the_power_is_what_simulated_seeds_have(n: int, resplit: float) -> None:
    """Where the sign test can decide, both must find it; that many at least were promised."""
    random = np.random.default_rng(n)
    effect = smallest_detectable(n, 0.05, resplit=resplit)
    shared = math.sqrt(resplit) * random.normal(size=(20000, 1))
    samples = random.normal(effect, 1, (20000, n)) + shared
    statistic = samples.mean(axis=1) / samples.std(axis=1, ddof=1) / math.sqrt(1 / n + resplit)
    found = statistic > stats.t.ppf(0.975, n - 1)
    if n > 5:
        found &= stats.binom.sf((samples > 0).sum(axis=1) - 1, n, 0.5) <= 0.025
    assert 0.79 <= found.mean() <= 0.86


@pytest.mark.parametrize(("n", "level"), [(6, 0.05), (8, 0.05), (10, 0.0125), (20, 0.05)])
def test_the_sign_tests_power_is_binomial(n: int, level: float) -> None:
    least = [stats.binomtest(k, n, alternative="greater").pvalue for k in range(n + 1)]
    wins = next(k for k, p in enumerate(least) if p <= level / 2)
    expected = stats.binom.sf(wins - 1, n, stats.norm.cdf(0.7))
    assert sign_power(0.7, n, level) == pytest.approx(expected)
    assert sign_power(-0.7, n, level) == pytest.approx(expected)
    assert sign_power(50.0, n, level, resplit=0.25) == pytest.approx(1.0)


def test_a_sign_test_of_too_few_seeds_finds_nothing() -> None:
    assert sign_power(9.0, 5, 0.05) == 0
    tests: tuple[SignTest, ...] = ("sign", "permutation", "wilcoxon")
    for test in tests:
        assert detection_power(9.0, 5, 0.05, test=test) == 0
        assert smallest_detectable(5, 0.05, test=test) == math.inf
    assert detection_power(9.0, 5, 0.05) > 0.99


@pytest.mark.parametrize("test", ["sign", "permutation", "wilcoxon"])
@pytest.mark.parametrize("n", [6, 8, 10])
def test_the_power_of_a_test_that_was_asked_for(n: int, test: SignTest) -> None:
    judge = {"sign": sign_test, "permutation": permutation_test, "wilcoxon": signed_rank_test}[test]
    random = np.random.default_rng(n)
    effect = smallest_detectable(n, 0.05, test=test)
    found = [judge(random.normal(effect, 1, n))[0] <= 0.025 for _ in range(1000)]
    assert 0.76 <= np.mean(found) <= 0.91


def test_welchs_test_has_no_sign_test_beside_it() -> None:
    assert detection_power(0.9, 10, 0.05, test="welch") == t_power(0.9, 10, 0.05)
    assert detection_power(0.9, 10, 0.05) < t_power(0.9, 10, 0.05)


def test_one_seed_detects_nothing() -> None:
    assert smallest_detectable(1, 0.05) == math.inf
    assert t_power(10.0, 1, 0.05) == 0
    with pytest.raises(ValueError, match="between 0 and 1"):
        smallest_detectable(5, 0.0)


@pytest.mark.parametrize("test", ["", "sign", "permutation", "wilcoxon", "welch"])
@pytest.mark.parametrize("effect", [-0.3, 0.8, 1.5, 3.0])
def test_further_seeds_are_the_fewest_that_suffice(effect: float, test: AskedTest) -> None:
    enough = (n for n in range(2, 300) if detection_power(effect, n, 0.05, test=test) >= 0.8)
    found = further_seeds(2 * effect, 2.0, 0.05, test=test)
    assert found == next(enough)
    assert further_seeds(effect, 1.0, 0.05, cap=found, test=test) == found
    assert further_seeds(effect, 1.0, 0.05, cap=found - 1, test=test) is None


def test_one_more_seed_may_find_less() -> None:
    """Of 9, 10 and 11 seeds a sign test forgives one, of 8 none."""
    powers = {n: detection_power(1.42, n, 0.05) for n in (8, 9, 11)}
    assert powers[9] > 0.8 > powers[11]
    assert further_seeds(1.42, 1.0, 0.05) == 9
    # Five seeds need no sign test, and each is enough for itself alone.
    assert further_seeds(1.7, 1.0, 0.05) == 5
    assert detection_power(1.7, 6, 0.05) < 0.8


@pytest.mark.parametrize(
    ("effect", "sd", "resplit", "cap"),
    [(0.0, 1, 0, 99), (0.1, 0, 0, 99), (math.nan, 1, 0, 99), (0.1, 1, 0.25, 10**6), (0.1, 1, 0, 9)],
)
def test_where_no_number_of_seeds_would_do(
    effect: float, sd: float, resplit: float, cap: int
) -> None:
    assert further_seeds(effect, sd, 0.05, resplit=resplit, cap=cap) is None


def test_least_n_by_brute_force() -> None:
    for least in range(1, 12):
        found = least_n(lambda n, least=least: n >= least, 2, 10)  # type: ignore[misc]
        assert found == (max(least, 2) if least <= 10 else None)
    assert least_n(lambda _: True, 5, 4) is None


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_the_least_p_is_that_of_scipys_tests(n: int) -> None:
    gains = np.arange(1.0, n + 1)
    expected = min(1.0, stats.binomtest(n, n).pvalue)
    assert least_attainable_p("sign", n) == pytest.approx(expected)
    assert least_attainable_p("wilcoxon", n) == pytest.approx(stats.wilcoxon(gains).pvalue)
    signs = itertools.product([-1, 1], repeat=n)
    extreme = [abs(np.dot(one, gains)) >= gains.sum() - 1e-9 for one in signs]
    assert least_attainable_p("permutation", n) == pytest.approx(np.mean(extreme))


def test_a_refusal_names_the_level_and_the_way_out() -> None:
    text = refusal("sign", 5, 0.0125)
    assert "0.0625" in text
    assert "0.0125" in text
    assert "8 seeds" in text
    assert least_attainable_p("sign", 8) <= 0.0125 < least_attainable_p("sign", 7)
    assert refusal("permutation", 8, 0.0125) == ""
    with pytest.raises(ValueError, match="unknown test"):
        least_attainable_p("t", 5)  # type: ignore[arg-type]
