"""Gradients, and that all backends compute the same."""

from importlib.util import find_spec

import pytest
import torch
from equations import samples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from losses import (
    cauchy_schwarz_divergence,
    cauchy_schwarz_mutual_information,
    conditional_cauchy_schwarz_divergence,
)

FORMS = ("paper", "released", "symmetric")
FAST = ("chunked", *(["triton"] if find_spec("triton") else []))
in_each_backend = pytest.mark.parametrize("backend", ["reference", *FAST])
in_each_form = pytest.mark.parametrize("form", FORMS)
any_shape = settings(
    deadline=None,
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def all_backends(loss, tensors, needs, backends=FAST):
    """Return value and wanted gradients of the reference, then those of the others."""
    results = []
    for backend in ("reference", *backends):
        leaves = [
            tensor.clone().requires_grad_(need) for tensor, need in zip(tensors, needs, strict=True)
        ]
        value = loss(*leaves, backend=backend)
        wanted = [leaf for leaf in leaves if leaf.requires_grad]
        results.append(
            (value.detach(), *(torch.autograd.grad(3 * value, wanted) if wanted else ()))
        )
    return results


def assert_backends_agree(loss, tensors, needs):
    reference, *others = all_backends(loss, tensors, needs)
    for other in others:
        torch.testing.assert_close(other, reference, rtol=1e-8, atol=1e-9)


def kernels_once(form, columns, backend):
    """Forms and columns launch the same kernels: in the interpreter all but one are slow."""
    repeats = backend == "triton" and (form, columns) != ("paper", 2)
    return pytest.param(form, columns, backend, marks=[pytest.mark.slow] if repeats else [])


@pytest.mark.parametrize(
    ("form", "columns", "backend"),
    [
        kernels_once(form, columns, backend)
        for form in FORMS
        for columns in (1, 2)
        for backend in ("reference", *FAST)
    ],
)
def test_conditional_gradients(form, columns, backend, small_tiles):
    tensors = [samples(7, 3), samples(7, columns, 1), samples(7, columns, 2)]

    def loss(*arguments):
        return conditional_cauchy_schwarz_divergence(
            *arguments, x_bandwidth=1.3, y_bandwidth=0.8, form=form, backend=backend
        )

    leaves = [tensor.requires_grad_() for tensor in tensors]
    assert torch.autograd.gradcheck(loss, leaves, fast_mode=backend == "triton")


@in_each_backend
@pytest.mark.parametrize("normalized", [False, True])
def test_information_gradients(normalized, backend, small_tiles):
    tensors = [samples(7, 3).requires_grad_(), samples(7, 2, 1).requires_grad_()]

    def loss(*arguments):
        return cauchy_schwarz_mutual_information(
            *arguments, x_bandwidth=1.3, t_bandwidth=0.8, normalized=normalized, backend=backend
        )

    assert torch.autograd.gradcheck(loss, tensors, fast_mode=backend == "triton")


@in_each_backend
def test_divergence_gradients(backend, small_tiles):
    tensors = [samples(7, 2).requires_grad_(), samples(5, 2, 1).requires_grad_()]

    def loss(*arguments):
        return cauchy_schwarz_divergence(*arguments, bandwidth=0.8, backend=backend)

    assert torch.autograd.gradcheck(loss, tensors, fast_mode=backend == "triton")


def test_the_reference_can_be_differentiated_twice():
    x, y = samples(5, 2), samples(5, 1, 1)

    def loss(prediction):
        return conditional_cauchy_schwarz_divergence(
            x, y, prediction, x_bandwidth=1.0, y_bandwidth=1.0, backend="reference"
        )

    assert torch.autograd.gradgradcheck(loss, [samples(5, 1, 2).requires_grad_()])


def test_tiles_refuse_to_be_differentiated_twice():
    x, y, prediction = samples(5, 2), samples(5, 1, 1), samples(5, 1, 2).requires_grad_()
    value = conditional_cauchy_schwarz_divergence(
        x, y, prediction, x_bandwidth=1.0, y_bandwidth=1.0, backend="chunked"
    )
    with pytest.raises(RuntimeError, match="differentiable once only"):
        torch.autograd.grad(value, prediction, create_graph=True)


@any_shape
@given(
    count=st.integers(1, 17),
    columns=st.tuples(st.integers(1, 4), st.integers(1, 3)),
    needs=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    form=st.sampled_from(FORMS),
    seed=st.integers(0, 10**6),
)
def test_conditional_backends_agree(small_tiles, count, columns, needs, form, seed):
    def loss(*arguments, backend):
        return conditional_cauchy_schwarz_divergence(
            *arguments, x_bandwidth=1.2, y_bandwidth=0.9, form=form, backend=backend
        )

    widths = (columns[0], columns[1], columns[1])
    tensors = [samples(count, width, seed + i) for i, width in enumerate(widths)]
    assert_backends_agree(loss, tensors, needs)


@any_shape
@given(
    count=st.integers(2, 17),
    columns=st.tuples(st.integers(1, 4), st.integers(1, 3)),
    needs=st.tuples(st.booleans(), st.booleans()),
    normalized=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_information_backends_agree(small_tiles, count, columns, needs, normalized, seed):
    def loss(*arguments, backend):
        return cauchy_schwarz_mutual_information(
            *arguments, x_bandwidth=1.2, t_bandwidth=0.9, normalized=normalized, backend=backend
        )

    tensors = [samples(count, width, seed + i) for i, width in enumerate(columns)]
    assert_backends_agree(loss, tensors, needs)


@any_shape
@given(
    counts=st.tuples(st.integers(1, 17), st.integers(1, 17)),
    columns=st.integers(1, 4),
    needs=st.tuples(st.booleans(), st.booleans()),
    seed=st.integers(0, 10**6),
)
def test_divergence_backends_agree(small_tiles, counts, columns, needs, seed):
    def loss(*arguments, backend):
        return cauchy_schwarz_divergence(*arguments, bandwidth=0.9, backend=backend)

    tensors = [samples(count, columns, seed + i) for i, count in enumerate(counts)]
    assert_backends_agree(loss, tensors, needs)


@in_each_form
def test_backends_agree_in_float32_beyond_one_tile(form):
    tensors = [
        samples(700, 5, 0, torch.float32),
        *(samples(700, 1, i, torch.float32) for i in (1, 2)),
    ]

    def loss(*arguments, backend):
        return conditional_cauchy_schwarz_divergence(
            *arguments, x_bandwidth=1.0, y_bandwidth=1.0, form=form, backend=backend
        )

    # The interpreter takes its time: three tiles are several too.
    for rows, backends in ((700, ("chunked",)), (90, FAST)):
        part = [tensor[:rows] for tensor in tensors]
        reference, *others = all_backends(loss, part, (False, False, True), backends)
        for other in others:
            torch.testing.assert_close(other, reference, rtol=1e-3, atol=1e-6)


def test_nothing_is_computed_for_gradients_under_no_grad():
    x, y = samples(9, 2), samples(9, 1, 1).requires_grad_()
    with torch.no_grad():
        value = conditional_cauchy_schwarz_divergence(
            x, y, y + 1, x_bandwidth=1.0, y_bandwidth=1.0, backend="chunked"
        )
    assert not value.requires_grad
