"""Values: equations, limits, symmetries and what is refused."""

import math

import pytest
import torch
from equations import conditional_by_loops, divergence_by_loops, information_by_loops, samples
from hypothesis import given, settings
from hypothesis import strategies as st

from losses import (
    cauchy_schwarz_divergence,
    cauchy_schwarz_mutual_information,
    conditional_cauchy_schwarz_divergence,
)

BACKENDS = ("reference", "chunked")
FORMS = ("paper", "released", "symmetric")
in_each_backend = pytest.mark.parametrize("backend", BACKENDS)
in_each_form = pytest.mark.parametrize("form", FORMS)


def conditional(x, y, prediction, form="paper", x_bandwidth=1.0, y_bandwidth=1.0, backend=None):
    return conditional_cauchy_schwarz_divergence(
        x,
        y,
        prediction,
        x_bandwidth=x_bandwidth,
        y_bandwidth=y_bandwidth,
        form=form,
        backend=backend,
    )


def information(x, t, x_bandwidth=1.0, t_bandwidth=1.0, normalized=False, backend=None):
    return cauchy_schwarz_mutual_information(
        x,
        t,
        x_bandwidth=x_bandwidth,
        t_bandwidth=t_bandwidth,
        normalized=normalized,
        backend=backend,
    )


@in_each_backend
@in_each_form
def test_two_samples_by_hand(form, backend):
    # K is ½ off its diagonal. L₁ and L₂ are q off theirs; L₂₁, of flipped targets, is q on it.
    x = torch.tensor([[0.0], [math.sqrt(2 * math.log(2))]], dtype=torch.float64)
    y = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    q = math.exp(-0.5)
    # Both rows have the same normaliser, so that it cancels: 2 + 2·½·q against 2q + 2·½.
    by_hand = 2 * math.log(2 + q) - 2 * math.log(2 * q + 1)
    assert conditional(x, y, y.flip(0), form, backend=backend).item() == pytest.approx(by_hand)


@in_each_backend
@in_each_form
def test_three_samples_by_loops(form, backend):
    x, y, prediction = (
        [[0.0, 0.3], [1.0, -0.2], [0.4, 0.9]],
        [[0.5], [-1.0], [2.0]],
        [[0.1], [0.3], [1.5]],
    )
    expected = conditional_by_loops(x, y, prediction, (0.8, 1.2), form)
    tensors = (torch.tensor(values, dtype=torch.float64) for values in (x, y, prediction))
    value = conditional(*tensors, form, x_bandwidth=0.8, y_bandwidth=1.2, backend=backend)
    assert value.item() == pytest.approx(expected, rel=1e-12)


@in_each_backend
@pytest.mark.parametrize("columns", [1, 3])
def test_divergence_and_information_by_loops(columns, backend):
    a, b = samples(5, columns), samples(4, columns, 1)
    value = cauchy_schwarz_divergence(a, b, bandwidth=0.9, backend=backend)
    assert value.item() == pytest.approx(divergence_by_loops(a.tolist(), b.tolist(), 0.9))
    t = samples(5, 2, 2)
    expected = information_by_loops(a.tolist(), t.tolist(), (0.8, 1.3))
    value = information(a, t, 0.8, 1.3, backend=backend)
    assert value.item() == pytest.approx(expected, rel=1e-10)
    itself = [
        information_by_loops(s.tolist(), s.tolist(), (width, width))
        for s, width in ((a, 0.8), (t, 1.3))
    ]
    value = information(a, t, 0.8, 1.3, normalized=True, backend=backend)
    assert value.item() == pytest.approx(expected / math.sqrt(itself[0] * itself[1]), rel=1e-10)


@in_each_backend
@in_each_form
def test_equal_targets_and_predictions_have_no_divergence(form, backend):
    x, y = samples(30, 4), samples(30, 2, 1)
    assert abs(conditional(x, y, y.clone(), form, backend=backend).item()) < 1e-12
    assert abs(cauchy_schwarz_divergence(x, x.clone(), bandwidth=1.0, backend=backend)) < 1e-12


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 3), st.floats(0.05, 5), st.integers(0, 10**6))
def test_the_symmetric_form_is_symmetric_and_not_negative(count, columns, bandwidth, seed):
    x, y, prediction = (samples(count, columns, seed + i) for i in range(3))
    there = conditional(x, y, prediction, "symmetric", bandwidth, 0.7).item()
    back = conditional(x, prediction, y, "symmetric", bandwidth, 0.7).item()
    assert there >= -1e-12
    assert there == pytest.approx(back, abs=1e-12)


@in_each_backend
def test_the_papers_form_is_neither_symmetric_nor_non_negative(backend):
    rows = ([2.0, 0.5, 1.5], [-1.0, 0.5, -0.5], [-0.5, 0.375, -1.0])
    x, y, prediction = (torch.tensor(row, dtype=torch.float64)[:, None] for row in rows)
    there = conditional(x, y, prediction, backend=backend).item()
    back = conditional(x, prediction, y, backend=backend).item()
    assert there == pytest.approx(-0.004970, abs=1e-6)
    assert back == pytest.approx(0.028361, abs=1e-6)


@in_each_backend
@pytest.mark.parametrize("form", ["paper", "symmetric"])
def test_narrow_inputs_leave_the_errors_alone(form, backend):
    x, y, prediction = samples(20, 3), samples(20, 1, 1), samples(20, 1, 2)
    errors = (prediction - y).square()
    for y_bandwidth in (0.5, 2.0):
        expected = -2 * (-errors / (2 * y_bandwidth**2)).exp().mean().log()
        value = conditional(x, y, prediction, form, 1e-3, y_bandwidth, backend)
        torch.testing.assert_close(value, expected)
    wide = conditional(x, y, prediction, form, 1e-3, 1e3, backend)
    torch.testing.assert_close(wide * 1e3**2, errors.mean(), rtol=1e-4, atol=0)


@in_each_backend
@in_each_form
def test_targets_far_from_predictions_do_not_underflow(form, backend):
    x, y = samples(40, 3, dtype=torch.float32), samples(40, 1, 1, torch.float32)
    prediction = (y + 3000).requires_grad_()
    value = conditional(x, y, prediction, form, backend=backend)
    (gradient,) = torch.autograd.grad(value, prediction)
    assert 8e6 < value.item() < 1e7  # about 3000² less what the nearest pairs save
    assert gradient.isfinite().all()
    assert 5000 < gradient.sum().item() < 6100  # the whole cloud moves: 2 · 3000, less the gap
    both = cauchy_schwarz_divergence(y, prediction, bandwidth=1.0, backend=backend)
    assert 8e6 < both.item() < 1e7


def test_divergence_is_minus_two_log_cosine_of_mean_embeddings():
    # The embedding of a point is its Gaussian on a grid: their inner product is the wider kernel.
    p, q, bandwidth = samples(6, 1), samples(8, 1, 1) + 0.5, 0.8
    grid = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    width = bandwidth / math.sqrt(2)

    def embedding(points):
        return (-((grid - points) ** 2) / (2 * width**2)).exp().mean(0)

    a, b = embedding(p), embedding(q)
    expected = -2 * ((a @ b) / (a.norm() * b.norm())).log()
    torch.testing.assert_close(cauchy_schwarz_divergence(p, q, bandwidth=bandwidth), expected)


def test_divergence_of_two_gaussians_in_closed_form():
    # ∫N(m₁,s²)N(m₂,s²) = N(m₁−m₂; 0, 2s²): D = gap² / (2s²) with s² widened by bandwidth²/2.
    generator = torch.Generator().manual_seed(0)
    p, q = (
        torch.randn(4000, 1, generator=generator, dtype=torch.float64) + mean for mean in (0.0, 1.5)
    )
    expected = 1.5**2 / (2 * (1 + 0.5**2 / 2))
    value = cauchy_schwarz_divergence(p, q, bandwidth=0.5).item()
    assert value == pytest.approx(expected, rel=0.06)


@in_each_backend
@pytest.mark.parametrize("normalized", [False, True])
def test_a_constant_holds_no_information(backend, normalized):
    x, t = samples(20, 3), torch.full((20, 4), 2.5, dtype=torch.float64).requires_grad_()
    value = information(x, t, normalized=normalized, backend=backend)
    (gradient,) = torch.autograd.grad(value, t)
    assert abs(value.item()) < 1e-8
    assert gradient.abs().max() < 1e-8


@in_each_backend
@pytest.mark.parametrize("spread", [1e-6, 1e-4, 1e-2])
def test_a_collapsing_representation_has_bounded_gradients(backend, spread):
    x = samples(64, 3, dtype=torch.float32)
    t = (2.5 + spread * samples(64, 4, 1, torch.float32)).requires_grad_()
    value = information(x, t, normalized=True, backend=backend)
    (gradient,) = torch.autograd.grad(value, t)
    assert -0.3 < value.item() < 1.3
    assert gradient.abs().max() < 100


@in_each_backend
@pytest.mark.parametrize("normalized", [False, True])
def test_information_does_not_depend_on_the_order_of_samples(backend, normalized):
    x, t = samples(25, 3), samples(25, 2, 1)
    order = torch.randperm(25, generator=torch.Generator().manual_seed(0))
    expected = information(x, t, normalized=normalized, backend=backend)
    shuffled = information(x[order], t[order], normalized=normalized, backend=backend)
    torch.testing.assert_close(shuffled, expected)
    apart = information(x, t[order], normalized=normalized, backend=backend)
    assert abs(apart - expected) > 1e-4


def test_normalised_information_of_a_variable_with_itself_is_one():
    x = samples(25, 3)
    assert information(x, x.clone(), normalized=True).item() == pytest.approx(1)


@in_each_backend
@in_each_form
def test_float32_stays_close_to_float64(form, backend):
    exact = (samples(128, 8), samples(128, 1, 1), samples(128, 1, 2))
    rounded = tuple(tensor.float() for tensor in exact)
    difference = conditional(*rounded, form, backend=backend) - conditional(*exact, form)
    assert abs(difference.item()) < 1e-5
    t = samples(128, 32, 3)
    difference = information(rounded[0], t.float(), 2.0, 6.0, backend=backend) - information(
        exact[0], t, 2.0, 6.0
    )
    assert abs(difference.item()) < 2e-6


def test_half_precision_and_autocast_are_computed_in_float32():
    x, y, prediction = (samples(16, 2, i, torch.float32).bfloat16() for i in range(3))
    wide = conditional(x.float(), y.float(), prediction.float())
    prediction.requires_grad_()
    narrow = conditional(x, y, prediction)
    narrow.backward()
    assert narrow.item() == wide.item()
    assert prediction.grad.dtype == torch.bfloat16
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert conditional(x.float(), y.float(), prediction.float()).item() == wide.item()


@pytest.mark.parametrize("name", ["y", "prediction"])
def test_one_dimensional_targets_are_refused(name):
    arguments = {"x": torch.ones(4, 2), "y": torch.ones(4, 1), "prediction": torch.ones(4, 1)}
    arguments[name] = torch.ones(4)
    with pytest.raises(ValueError, match=rf"{name} is 1-D .* \(N, 1\) .* collapses .*unsqueeze"):
        conditional(**arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": torch.ones(3, 2)}, "y has 4 rows but x has 3"),
        ({"prediction": torch.ones(4, 2)}, "prediction has 2 columns but y has 1"),
        ({"prediction": torch.ones(4, 1).double()}, "prediction has dtype torch.float64 but y has"),
        ({"y": torch.ones(4, 1, device="meta")}, "prediction has device cpu but y has meta"),
        ({"x": torch.ones(4, 2, 1)}, "it must be"),
        ({"form": "printed"}, "form is 'printed': it must be one of paper, released, symmetric"),
        ({"backend": "fast"}, "backend is 'fast': it must be one of reference, chunked"),
        ({"y_bandwidth": 0.0}, "y_bandwidth is 0.0"),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    arguments = {"x": torch.ones(4, 2), "y": torch.ones(4, 1), "prediction": torch.ones(4, 1)}
    with pytest.raises(ValueError, match=message):
        conditional(**arguments | changes)


def test_information_and_divergence_name_what_does_not_fit():
    with pytest.raises(ValueError, match="t has 3 rows but x has 4"):
        information(torch.ones(4, 2), torch.ones(3, 2))
    with pytest.raises(ValueError, match="q_samples has 1 columns but p_samples has 2"):
        cauchy_schwarz_divergence(torch.ones(4, 2), torch.ones(3, 1), bandwidth=1.0)
