"""Parity with other libraries, where these are installed: values and gradients on the same inputs.

Liger-Kernel's Triton kernels run in the interpreter where there is no GPU. docs/parity.md says what
was last compared, with which versions.
"""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from logit_cases import logits, value_and_gradients
from torch import Tensor

import losses
from losses import (
    cross_entropy,
    js_divergence,
    kl_divergence,
    linear_cross_entropy,
    linear_kl_divergence,
)
from losses.profile.peers import peers

STUDENT, TEACHER = logits(6, 23, dtype=torch.float32), logits(6, 23, seed=1, dtype=torch.float32)
HIDDEN = logits(6, 8, seed=2, dtype=torch.float32)
HEAD, TEACHER_HEAD = (logits(23, 8, seed=i, dtype=torch.float32) / 4 for i in (3, 4))
TARGET = TEACHER.argmax(-1)
BETAS = (0.0, 0.1, 0.5, 0.9, 1.0)


def generalised(student: Tensor, teacher: Tensor, beta: float, temperature: float = 1.0) -> Tensor:
    """What the others call a JSD of ``beta``: at the ends it is KL(p‖q) and KL(q‖p), not 0."""
    if beta in (0, 1):
        direction = "reverse" if beta else "forward"
        return kl_divergence(student, teacher, direction=direction, temperature=temperature)
    return js_divergence(student, teacher, beta=beta, temperature=temperature)


def assert_alike(
    ours: Callable[..., Tensor], theirs: Callable[..., Tensor], *inputs: Tensor
) -> None:
    """Fail unless both have one value and one gradient by each input, in float32."""
    own, other = (value_and_gradients(loss, *inputs) for loss in (ours, theirs))
    torch.testing.assert_close(own, other, rtol=2e-5, atol=2e-6)


@pytest.fixture
def trl():
    found = pytest.importorskip("trl.experimental.gkd.gkd_trainer", reason="TRL is not installed")
    return found.GKDTrainer.generalized_jsd_loss


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("beta", BETAS)
def test_trl_generalised_jsd(trl, beta, temperature):
    assert_alike(
        lambda s: generalised(s, TEACHER, beta, temperature),
        lambda s: trl(s, TEACHER, beta=beta, temperature=temperature),
        STUDENT,
    )


def test_trl_leaves_out_what_a_weight_of_0_drops(trl):
    labels = torch.tensor([-100, 1, 2, -100, 3, 4])
    assert_alike(
        lambda s: js_divergence(s, TEACHER, weight=(labels != -100).float()),
        lambda s: trl(s, TEACHER, labels=labels),
        STUDENT,
    )


@pytest.fixture
def torchtune():
    """Its file of losses alone: the package itself needs torchao, which this has no use for."""
    package = importlib.util.find_spec("torchtune")
    if package is None or package.origin is None:
        pytest.skip("torchtune is not installed")
    path = Path(package.origin).parent / "modules/loss/kd_losses.py"
    spec = importlib.util.spec_from_file_location("torchtune_losses", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_torchtune_forward_kl_leaves_out_the_entropy_of_the_teacher(torchtune):
    p = TEACHER.softmax(-1)
    entropy = -(p * p.log()).sum(-1).mean()
    assert_alike(
        lambda s: kl_divergence(s, TEACHER) + entropy,
        lambda s: torchtune.ForwardKLLoss()(s, TEACHER, TARGET),
        STUDENT,
    )


def test_torchtune_reverse_kl(torchtune):
    assert_alike(
        lambda s: kl_divergence(s, TEACHER, direction="reverse"),
        lambda s: torchtune.ReverseKLLoss()(s, TEACHER, TARGET),
        STUDENT,
    )


@pytest.fixture
def liger():
    found = pytest.importorskip("liger_kernel.ops", reason="Liger-Kernel is not installed")
    if os.environ.get("TRITON_INTERPRET") != "1":
        pytest.skip("without a GPU, Liger-Kernel's kernels need Triton's interpreter")
    return found


@pytest.mark.parametrize("beta", BETAS)
def test_liger_jsd(liger, beta):
    """Its inputs are log-probabilities; its beta weighs the teacher, as ours does."""
    log_p = TEACHER.log_softmax(-1)
    assert_alike(
        lambda s: generalised(s, TEACHER, beta),
        lambda s: liger.LigerJSDFunction.apply(s.log_softmax(-1), log_p, None, beta),
        STUDENT,
    )


@pytest.mark.parametrize(("z_loss", "smoothing"), [(0.0, 0.0), (1e-2, 0.0), (0.0, 0.2)])
def test_liger_cross_entropy(liger, z_loss, smoothing):
    def theirs(s):
        # It writes the gradient over its input.
        return liger.LigerCrossEntropyFunction.apply(
            s.clone(), TARGET, None, -100, z_loss, smoothing
        )[0]

    assert_alike(
        lambda s: cross_entropy(s, TARGET, z_loss=z_loss, label_smoothing=smoothing),
        theirs,
        STUDENT,
    )


def test_liger_linear_cross_entropy(liger):
    assert_alike(
        lambda h, w: linear_cross_entropy(h, w, TARGET),
        lambda h, w: liger.LigerFusedLinearCrossEntropyFunction.apply(h, w, TARGET)[0],
        HIDDEN,
        HEAD,
    )


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_liger_linear_kl(liger, beta):
    """Its fused linear JSD at the ends of beta is our linear KL."""
    assert_alike(
        lambda h, w: linear_kl_divergence(
            h, w, HIDDEN, TEACHER_HEAD, direction="reverse" if beta else "forward"
        ),
        lambda h, w: liger.LigerFusedLinearJSDFunction.apply(
            h, w, HIDDEN, TEACHER_HEAD, None, beta
        ),
        HIDDEN,
        HEAD,
    )


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("js_divergence", (STUDENT, TEACHER)),
        ("cross_entropy", (STUDENT, TARGET)),
        ("linear_kl_divergence", (HIDDEN, HEAD, HIDDEN, TEACHER_HEAD)),
        ("linear_cross_entropy", (HIDDEN, HEAD, TARGET)),
    ],
)
def test_what_the_profile_times_as_a_peer_is_the_same_loss(liger, name, inputs):
    (theirs,) = peers(name).values()
    wanted = 2 if name.startswith("linear") else 1
    rest = inputs[wanted:]
    assert_alike(
        lambda *own: getattr(losses, name)(*own, *rest),
        lambda *own: theirs(*own, *rest),
        *inputs[:wanted],
    )
