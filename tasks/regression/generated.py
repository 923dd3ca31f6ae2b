"""Generated regressions: one known function under three kinds of noise.

    y = sin(2 x₁) + x₂ x₃ + 0.5 x₄ + ε,    x ~ N(0, I₈)

The other four inputs carry nothing. All quantities are without unit. The noise:

``gaussian_noise``      ε ~ N(0, 0.3²)
``skewed_noise``        ε ~ Exp(1) − 1: mean 0, variance 1, skewness 2
``heavy_tailed_noise``  ε ~ Student t with 1.5 degrees of freedom, scale 1: mean 0, infinite
                        variance. Errors against noisy targets have no finite mean square here:
                        compare errors against the noise-free function, or medians.

The noise-free targets have variance (1 − e⁻⁸)/2 + 1 + 0.25 ≈ 1.75.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from repro.context import RunContext
from tasks.regression.folds import dataset_seed, generator, split_rest
from tasks.regression.split import Examples, FloatArray, RegressionSplit, standardise

N_FEATURES = 8
N_SAMPLE = 900  # training and validation together
N_TEST = 2000

Noise = Callable[[np.random.RandomState, int], FloatArray]

NOISES: dict[str, Noise] = {
    "gaussian_noise": lambda random, n: 0.3 * random.standard_normal(n),
    "skewed_noise": lambda random, n: random.standard_exponential(n) - 1.0,
    "heavy_tailed_noise": lambda random, n: random.standard_t(1.5, n),
}


def noise_free(x: FloatArray) -> FloatArray:
    """Return sin(2 x₁) + x₂ x₃ + 0.5 x₄ for inputs (n, 8), as (n,)."""
    y: FloatArray = np.sin(2.0 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * x[:, 3]
    return y


def sample(dataset: str, n: int, seed: int) -> Examples:
    """Draw ``n`` examples of ``dataset``."""
    random = generator(seed)
    x = random.standard_normal((n, N_FEATURES))
    return Examples(x, noise_free(x) + NOISES[dataset](random, n))


def generated_split(dataset: str, context: RunContext) -> RegressionSplit:
    """Return a trial's data.

    900 examples are drawn by ``context.seed("data")`` and split 80/20 by ``context.seed("split")``;
    the 2,000 test examples are the same for every trial.
    """
    drawn = sample(dataset, N_SAMPLE, context.seed("data"))
    test = sample(dataset, N_TEST, dataset_seed(dataset, "test set"))
    validation, train = split_rest(N_SAMPLE, context.seed("split"))
    return standardise(drawn.rows(train), drawn.rows(validation), test, noise_free(test.x))
