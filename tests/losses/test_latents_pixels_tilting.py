"""The balanced KL of latents, entropy and proportions of pixels, tilted weights."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from logit_cases import in_each_backend, in_each_fast_backend, logits, value_and_gradients

from losses import (
    balanced_categorical_kl,
    entropy_proportion,
    kl_dro_moving_weights,
    kl_dro_weights,
)

CLOSE = {"rtol": 1e-6, "atol": 1e-7}


def latents(seed=0):
    """Return logits (5, 3 groups, 6 classes) of both sides; the first step is below a nat."""
    posterior, prior = logits(5, 3, 6, seed=seed), logits(5, 3, 6, seed=seed + 1)
    prior[0] = posterior[0] + 0.01
    return posterior, prior


@in_each_backend
@pytest.mark.parametrize("unimix", [0.0, 0.25])
def test_balance_by_loops(unimix, backend):
    posterior, prior = latents()

    def mixed(row):
        mass = [math.exp(x) for x in row]
        return [(1 - unimix) * m / sum(mass) + unimix / len(row) for m in mass]

    expected = []
    for step in range(5):
        divergence = sum(
            p * math.log(p / q)
            for a, b in zip(posterior[step].tolist(), prior[step].tolist(), strict=True)
            for p, q in zip(mixed(a), mixed(b), strict=True)
        )
        expected.append(0.75 * max(1.0, divergence))
    found = balanced_categorical_kl(
        posterior,
        prior,
        dynamics_scale=0.5,
        representation_scale=0.25,
        unimix=unimix,
        reduction="none",
        backend=backend,
    )
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), **CLOSE)
    assert found[0] == 0.75


@in_each_backend
def test_balance_stops_gradients_and_is_flat_below_the_free_nats(backend):
    posterior, prior = latents()
    one, *_ = value_and_gradients(balanced_categorical_kl, posterior, prior, backend=backend)
    for which, scale in ((1, "representation_scale"), (2, "dynamics_scale")):
        scales = {"dynamics_scale": 0.5, "representation_scale": 0.5, scale: 0.0}
        result = value_and_gradients(
            balanced_categorical_kl, posterior, prior, backend=backend, **scales
        )
        assert (result[which] == 0).all()
        other = result[3 - which]
        assert (other[0] == 0).all()
        assert (other[1:].abs().amax((1, 2)) > 0).all()
    assert one > 0


@in_each_fast_backend
@pytest.mark.parametrize("unimix", [0.0, 0.25])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_balance_agrees(reduction, unimix, backend):
    posterior, prior = latents()
    posterior[1, 0, 2] = prior[1, 0, 2] = prior[2, 0, 0] = -math.inf
    options = {
        "free_nats": 0.5,
        "unimix": unimix,
        "dynamics_scale": 0.5,
        "representation_scale": 0.25,
        "reduction": reduction,
        "weight": torch.tensor([1.0, 2.0, 1.0, 0.0, 1.0]),
    }
    expected = value_and_gradients(
        balanced_categorical_kl, posterior, prior, backend="reference", **options
    )
    found = value_and_gradients(
        balanced_categorical_kl, posterior, prior, backend=backend, **options
    )
    assert not any(tensor.isnan().any() for tensor in found)
    torch.testing.assert_close(found, expected, **CLOSE)


def pixels():
    return logits(3, 4, 5, 7), torch.tensor([0.25, 0.125, 0.125, 0.5], dtype=torch.float64)


@in_each_backend
@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_entropy_and_proportion_by_their_equations(direction, backend):
    scores, prior = pixels()
    weights = torch.tensor([1.0, 0.5, 0.25, 2.0], dtype=torch.float64)
    q = scores.softmax(1)
    entropy = -(q * q.log() * weights.view(1, 4, 1, 1)).sum(1).mean((1, 2))
    proportion = q.mean((2, 3))
    a, b = (prior, proportion) if direction == "forward" else (proportion, prior)
    expected = entropy * 2 + 0.5 * (a * (a.log() - b.log())).sum(-1)
    found = entropy_proportion(
        scores,
        prior,
        class_weight=weights,
        direction=direction,
        entropy_scale=2.0,
        proportion_scale=0.5,
        reduction="none",
        backend=backend,
    )
    torch.testing.assert_close(found, expected, **CLOSE)


@in_each_backend
def test_a_uniform_prior_makes_it_the_mutual_information(backend):
    scores, _ = pixels()
    q = scores.softmax(1)
    proportion = q.mean((2, 3))
    marginal = -(proportion * proportion.log()).sum(-1)
    conditional = -(q * q.log()).sum(1).mean((1, 2))
    found = entropy_proportion(
        scores, torch.full((4,), 0.25, dtype=torch.float64), reduction="none", backend=backend
    )
    torch.testing.assert_close(found, math.log(4) - (marginal - conditional), **CLOSE)


@in_each_fast_backend
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_pixels_agree(direction, weighted, backend):
    scores, prior = pixels()
    scores[0, :, 0, 0] = -math.inf
    scores[1, 2] = -math.inf
    weight = None
    if weighted:
        weight = torch.linspace(0, 1, 105, dtype=torch.float64).reshape(3, 5, 7)
        weight[0, 1] = weight[2] = 0

    def loss(scores, **options):
        return entropy_proportion(scores, prior, direction=direction, weight=weight, **options)

    for reduction in ("mean", "none"):
        expected = value_and_gradients(loss, scores, reduction=reduction, backend="reference")
        found = value_and_gradients(loss, scores, reduction=reduction, backend=backend)
        assert not any(tensor.isnan().any() for tensor in expected)
        torch.testing.assert_close(found, expected, **CLOSE)


@in_each_backend
def test_pixels_that_are_dropped_do_not_count(backend):
    scores, prior = pixels()
    weight = torch.ones(3, 5, 7)
    weight[:, :, 3:] = 0
    torch.testing.assert_close(
        entropy_proportion(scores, prior, weight=weight, backend=backend),
        entropy_proportion(scores[..., :3], prior, backend=backend),
        **CLOSE,
    )


@in_each_backend
@pytest.mark.parametrize("case", ["latents", "pixels"])
def test_gradients(case, backend):
    if case == "latents":
        tensors = [side[:3, :2, :3].clone().requires_grad_() for side in latents()]

        def loss(*sides):
            return balanced_categorical_kl(
                *sides,
                dynamics_scale=0.5,
                representation_scale=0.5,
                free_nats=0.25,
                backend=backend,
            )
    else:
        tensors = [pixels()[0][:2, :, :2, :3].clone().requires_grad_()]

        def loss(scores):
            return entropy_proportion(scores, pixels()[1], backend=backend)

    if case == "latents":
        # The two branches stop gradients, so that only both together, equal, are a derivative.
        value = loss(*tensors)
        found = torch.autograd.grad(value, tensors)
        plain = [side.detach().clone().requires_grad_() for side in tensors]
        whole = balanced_categorical_kl(
            *plain,
            dynamics_scale=0.5,
            representation_scale=0.5,
            free_nats=0.25,
            backend="reference",
        )
        torch.testing.assert_close(found, torch.autograd.grad(whole, plain), **CLOSE)
    else:
        assert torch.autograd.gradcheck(loss, tensors, fast_mode=backend == "triton")


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=9),
    st.floats(1e-3, 1e3),
)
@settings(deadline=None, max_examples=50)
def test_tilted_weights_attain_the_supremum(values, temperature):
    loss = torch.tensor(values, dtype=torch.float64)
    weights = kl_dro_weights(loss, temperature)
    assert weights.sum().item() == pytest.approx(1)
    count = len(values)
    penalty = torch.where(weights > 0, weights * (weights * count).clamp_min(1e-300).log(), 0).sum()
    attained = (weights * loss).sum() - temperature * penalty
    bound = temperature * ((loss / temperature).logsumexp(0) - math.log(count))
    assert attained.item() == pytest.approx(bound.item(), rel=1e-9, abs=1e-9)


def test_tilted_weights_in_the_limits_and_beyond_overflow():
    loss = torch.tensor([1.0, 2.0, 4.0])
    torch.testing.assert_close(kl_dro_weights(loss, 1e8), torch.full((3,), 1 / 3))
    torch.testing.assert_close(kl_dro_weights(loss * 1e30, 1e-3), torch.tensor([0.0, 0.0, 1.0]))
    infinite = torch.tensor([1.0, math.inf, math.inf])
    torch.testing.assert_close(kl_dro_weights(infinite, 1.0), torch.tensor([0.0, 0.5, 0.5]))
    assert not kl_dro_weights(loss.requires_grad_(), 1.0).requires_grad


def test_moving_weights_follow_their_equation():
    first, second = torch.tensor([1.0, 2.0]).double(), torch.tensor([0.5, 3.0, 1.0]).double()
    weights, log_mean = kl_dro_moving_weights(first, 2.0, None, 0.1)
    torch.testing.assert_close(weights, kl_dro_weights(first, 2.0))
    mean = (first / 2).exp().mean()
    torch.testing.assert_close(log_mean, mean.log())
    weights, log_mean = kl_dro_moving_weights(second, 2.0, log_mean, 0.1)
    mean = 0.9 * mean + 0.1 * (second / 2).exp().mean()
    torch.testing.assert_close(log_mean, mean.log())
    torch.testing.assert_close(weights, (second / 2).exp() / mean / 3)
    torch.testing.assert_close(
        kl_dro_moving_weights(second, 2.0, log_mean, 1.0)[0], kl_dro_weights(second, 2.0)
    )
    huge, log_mean = kl_dro_moving_weights(second * 1e4, 1.0, None, 0.5)
    assert huge.sum().item() == pytest.approx(1)
    assert log_mean.isfinite()
