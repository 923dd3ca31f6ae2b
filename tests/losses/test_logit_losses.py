"""Values of the losses of logits: definitions by hand and by loops, limits, invariants."""

import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logit_cases import (
    CASES,
    PARTIAL,
    classes,
    for_each_divergence,
    in_each_backend,
    in_each_case_and,
    logits,
    value_and_gradients,
)
from torch.nn import functional

from losses import (
    clipped_kl,
    cross_entropy,
    js_divergence,
    kl_divergence,
    renyi_divergence,
    skew_kl,
    token_statistics,
    top_k_kl,
    total_variation,
)

LOG = math.log
NEVER = -math.inf
P, Q = (0.5, 0.375, 0.125, 0.0), (0.25, 0.5, 0.125, 0.125)


def log(*probabilities):
    """Return logits of these probabilities, shifted, so that their normaliser is not 1."""
    return torch.tensor([[LOG(p) + 3 if p else NEVER for p in probabilities]], dtype=torch.float64)


def by_hand(name):
    """Return the loss of P and Q as its definition says, in plain Python."""

    def relative(a, b, share=lambda i: 1.0):
        return sum(
            share(i) * u * (LOG(u) - LOG(v)) for i, (u, v) in enumerate(zip(a, b, strict=True)) if u
        )

    def mix(share, a, b):
        return [share * u + (1 - share) * v for u, v in zip(a, b, strict=True)]

    keep = (1.0, 0.5, 0.0, 1.0)
    kept = [[k * u for k, u in zip(keep, side, strict=True)] for side in (P, Q)]
    return {
        "forward": relative(P, Q),
        "js": 0.25 * relative(P, mix(0.25, P, Q)) + 0.75 * relative(Q, mix(0.25, P, Q)),
        "skew": relative(P, mix(0.125, P, Q)),
        "skew reverse": relative(Q, mix(0.125, Q, P)),
        "total variation": sum(abs(u - v) for u, v in zip(P, Q, strict=True)) / 2,
        "renyi": LOG(sum(u**2 / v for u, v in zip(P, Q, strict=True))),
        "renyi ½": -2 * LOG(sum(math.sqrt(u * v) for u, v in zip(P, Q, strict=True))),
        "top-k": relative(P[:2], Q[:2]),
        "top-k renormalised": relative(
            [u / sum(P[:2]) for u in P[:2]], [v / sum(Q[:2]) for v in Q[:2]]
        ),
        "clipped": relative(P, Q, lambda i: keep[i]),
        "clipped renormalised": relative(
            [u / sum(kept[0]) for u in kept[0]], [v / sum(kept[1]) for v in kept[1]]
        ),
    }[name]


KEEP = torch.tensor([[1.0, 0.5, 0.0, 1.0]], dtype=torch.float64)


@in_each_backend
@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("forward", kl_divergence),
        ("js", lambda s, t, **o: js_divergence(s, t, beta=0.25, **o)),
        ("skew", lambda s, t, **o: skew_kl(s, t, alpha=0.125, **o)),
        ("skew reverse", lambda s, t, **o: skew_kl(s, t, alpha=0.125, direction="reverse", **o)),
        ("total variation", total_variation),
        ("renyi", lambda s, t, **o: renyi_divergence(s, t, alpha=2.0, **o)),
        ("renyi ½", lambda s, t, **o: renyi_divergence(s, t, alpha=0.5, **o)),
        ("top-k", lambda s, t, **o: top_k_kl(s, t, k=2, **o)),
        ("top-k renormalised", lambda s, t, **o: top_k_kl(s, t, k=2, renormalize=True, **o)),
        ("clipped", lambda s, t, **o: clipped_kl(s, t, keep=KEEP, **o)),
        (
            "clipped renormalised",
            lambda s, t, **o: clipped_kl(s, t, keep=KEEP, renormalize=True, **o),
        ),
    ],
)
def test_by_hand(name, loss, backend):
    # The teacher's last class is impossible and contributes nothing.
    value = loss(log(*Q), log(*P), backend=backend)
    assert value.item() == pytest.approx(by_hand(name), rel=1e-6)


@in_each_backend
def test_a_class_that_only_the_student_excludes_makes_kl_infinite(backend):
    student, teacher = log(*P).requires_grad_(), log(*Q).requires_grad_()
    for direction, expected in (("forward", True), ("reverse", False)):
        value = kl_divergence(student, teacher, direction=direction, backend=backend)
        assert math.isinf(value.item()) is expected
        gradients = torch.autograd.grad(value, [student, teacher])
        assert all(gradient.isfinite().all() for gradient in gradients)
        assert all((gradient == 0).all() for gradient in gradients) is expected
    assert skew_kl(student, teacher, alpha=0.125, backend=backend).isfinite()
    assert renyi_divergence(student, teacher, alpha=2.0, backend=backend).isinf()
    assert renyi_divergence(student, teacher, alpha=0.5, backend=backend).isfinite()


@in_each_backend
def test_disjoint_distributions(backend):
    student, teacher = log(1, 0), log(0, 1)
    assert kl_divergence(student, teacher, backend=backend).isinf()
    assert renyi_divergence(student, teacher, alpha=0.5, backend=backend).isinf()
    assert total_variation(student, teacher, backend=backend).item() == pytest.approx(1)
    assert js_divergence(student, teacher, backend=backend).item() == pytest.approx(LOG(2))


@in_each_backend
def test_a_partial_sum_can_be_negative(backend):
    value = top_k_kl(log(0.8, 0.2), log(0.6, 0.4), k=1, backend=backend)
    assert value.item() == pytest.approx(-0.1726, abs=1e-4)  # .6 log(.6/.8)


@in_each_backend
def test_limits(backend):
    student, teacher = logits(3, 11), logits(3, 11, seed=1)
    options = {"backend": backend}
    forward = kl_divergence(student, teacher, **options)
    reverse = kl_divergence(student, teacher, direction="reverse", **options)
    near = 2.0**-12
    pairs = [
        (js_divergence(student, teacher, beta=near, **options) / near, forward),
        (js_divergence(student, teacher, beta=1 - near, **options) / near, reverse),
        (skew_kl(student, teacher, alpha=near, **options), forward),
        (renyi_divergence(student, teacher, alpha=1 + near, **options), forward),
        (renyi_divergence(student, teacher, alpha=1 - near, **options), forward),
    ]
    for value, limit in pairs:
        assert value.item() == pytest.approx(limit.item(), rel=1e-2)
    exact = [
        skew_kl(student, teacher, alpha=0, **options),
        top_k_kl(student, teacher, k=11, **options),
        top_k_kl(student, teacher, k=11, renormalize=True, **options),
        clipped_kl(student, teacher, keep=torch.ones_like(student), **options),
        clipped_kl(student, teacher, keep=torch.ones_like(student), renormalize=True, **options),
        token_statistics(student, classes(student), teacher, **options).kl.mean(),
    ]
    for value in exact:
        torch.testing.assert_close(value, forward)
    torch.testing.assert_close(
        kl_divergence(student, teacher, direction="symmetric", **options), (forward + reverse) / 2
    )


@in_each_backend
def test_keep_weights_of_0_and_1_are_a_choice_of_classes(backend):
    student, teacher = logits(3, 11), logits(3, 11, seed=1)
    keep = torch.zeros_like(teacher).scatter(-1, teacher.topk(4).indices, 1)
    for renormalize in (False, True):
        torch.testing.assert_close(
            clipped_kl(student, teacher, keep=keep, renormalize=renormalize, backend=backend),
            top_k_kl(student, teacher, k=4, renormalize=renormalize, backend=backend),
        )


@in_each_backend
def test_rényi_grows_with_its_order(backend):
    student, teacher = logits(3, 11), logits(3, 11, seed=1)
    values = [
        renyi_divergence(student, teacher, alpha=alpha, backend=backend).item()
        for alpha in (0.125, 0.5, 0.75, 1.5, 4.0, 32.0)
    ]
    assert values == sorted(values)
    ratio = (teacher.log_softmax(-1) - student.log_softmax(-1)).amax(-1).mean().item()
    assert values[-1] < ratio < values[-1] * 1.1


@in_each_backend
def test_parity_with_torch(backend):
    student, teacher = logits(5, 11), logits(5, 11, seed=1)
    expected = functional.kl_div(
        student.log_softmax(-1), teacher.log_softmax(-1), reduction="batchmean", log_target=True
    )
    torch.testing.assert_close(kl_divergence(student, teacher, backend=backend), expected)
    target = classes(student)
    target[2] = -100
    for smoothing in (0.0, 0.25):
        torch.testing.assert_close(
            cross_entropy(student, target, label_smoothing=smoothing, backend=backend),
            functional.cross_entropy(student, target, label_smoothing=smoothing),
            rtol=1e-6,
            atol=1e-6,
        )
    plain = cross_entropy(student, classes(student), reduction="none", backend=backend)
    penalised = cross_entropy(
        student, classes(student), z_loss=0.5, reduction="none", backend=backend
    )
    torch.testing.assert_close(penalised - plain, student.logsumexp(-1).square() / 2)


@in_each_backend
def test_token_statistics_by_torch(backend):
    policy, reference = logits(2, 3, 11), logits(2, 3, 11, seed=1)
    target = classes(policy)
    found = token_statistics(policy, target, reference, temperature=2.0, backend=backend)
    log_q, log_p = (policy / 2).log_softmax(-1), (reference / 2).log_softmax(-1)
    own, other = (log.gather(-1, target[..., None])[..., 0] for log in (log_q, log_p))
    torch.testing.assert_close(found.log_probability, own)
    torch.testing.assert_close(found.entropy, -(log_q.exp() * log_q).sum(-1))
    torch.testing.assert_close(found.log_normalizer, (policy / 2).logsumexp(-1))
    torch.testing.assert_close(found.log_ratio, own - other)
    torch.testing.assert_close(found.kl, (log_p.exp() * (log_p - log_q)).sum(-1))
    alone = token_statistics(policy, target, temperature=2.0, backend=backend)
    torch.testing.assert_close(alone.entropy, found.entropy)
    assert alone.kl is None
    assert alone.log_ratio is None


@in_each_backend
@for_each_divergence
def test_equal_distributions(name, backend):
    same = logits(4, 19)
    # Rounding decides the side of a kink: total variation gets logits that are equal to the bit.
    shift = 0 if name == "total variation" else 2
    value, *gradients = value_and_gradients(CASES[name], same, same + shift, backend=backend)
    assert abs(value.item()) < 1e-7
    whole = gradients[0] + gradients[1]
    if name not in PARTIAL:
        assert all(gradient.abs().max() < 1e-7 for gradient in gradients)
    assert whole.abs().max() < 1e-7


shapes = settings(
    deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@in_each_case_and("reference", "chunked")
@shapes
@given(rows=st.integers(1, 4), columns=st.integers(2, 37), seed=st.integers(0, 10**6))
def test_invariants(name, backend, small_chunks, rows, columns, seed):
    student, teacher = logits(rows, columns, seed=seed), logits(rows, columns, seed=seed + 1)
    value, *gradients = value_and_gradients(CASES[name], student, teacher, backend=backend)
    if name not in (*PARTIAL, "token statistics"):
        assert value > -1e-9
    if name != "token statistics" and "cross-entropy" not in name:
        shifted, *_ = value_and_gradients(CASES[name], student + 3, teacher - 5, backend=backend)
        torch.testing.assert_close(shifted, value, rtol=1e-6, atol=1e-7)
        assert all(gradient.sum(-1).abs().max() < 1e-7 for gradient in gradients)
    if name == "JS":
        assert value < -(0.25 * LOG(0.25) + 0.75 * LOG(0.75))


@in_each_backend
@pytest.mark.parametrize("name", ["forward KL", "JS", "Rényi 2", "top-k KL", "total variation"])
def test_the_order_of_classes_does_not_matter(name, backend):
    student, teacher = logits(3, 19), logits(3, 19, seed=1)
    order = torch.randperm(19, generator=torch.Generator().manual_seed(0))
    value, *gradients = value_and_gradients(CASES[name], student, teacher, backend=backend)
    other, *others = value_and_gradients(
        CASES[name], student[:, order], teacher[:, order], backend=backend
    )
    torch.testing.assert_close(other, value)
    torch.testing.assert_close(others, [gradient[:, order] for gradient in gradients])


@in_each_backend
def test_js_at_one_half_is_symmetric(backend):
    student, teacher = logits(3, 19), logits(3, 19, seed=1)
    one = js_divergence(student, teacher, backend=backend)
    torch.testing.assert_close(js_divergence(teacher, student, backend=backend), one)
    assert one < LOG(2)
