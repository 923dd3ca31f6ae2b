"""Parity with the definitions of other libraries, where these are installed."""

import pytest
import torch
from logit_cases import logits

from losses import js_divergence, kl_divergence

STUDENT, TEACHER = logits(6, 23, dtype=torch.float32), logits(6, 23, seed=1, dtype=torch.float32)


def test_trl_generalised_jsd():
    """TRL's beta 0 and 1 are KL(teacher‖student) and KL(student‖teacher), which ours leaves out."""
    gkd = pytest.importorskip("trl.experimental.gkd.gkd_trainer", reason="TRL is not installed")
    for beta in (0.25, 0.5):
        theirs = gkd.GKDTrainer.generalized_jsd_loss(STUDENT, TEACHER, beta=beta)
        torch.testing.assert_close(js_divergence(STUDENT, TEACHER, beta=beta), theirs)


def test_torchtune_cross_entropy_of_distributions():
    """torchtune's forward KL leaves the teacher's entropy out: ours is larger by that constant."""
    kd = pytest.importorskip(
        "torchtune.modules.loss.kd_losses", reason="torchtune is not installed"
    )
    theirs = kd.ForwardKLLoss()(STUDENT, TEACHER, torch.zeros(6, dtype=torch.int64))
    p = TEACHER.softmax(-1)
    entropy = -(p * p.log()).sum(-1).mean()
    torch.testing.assert_close(kl_divergence(STUDENT, TEACHER), theirs - entropy)


def test_liger_jsd():
    """Liger's beta weighs the teacher as ours does; its input are log-probabilities."""
    pytest.importorskip("liger_kernel", reason="Liger-Kernel is not installed")
    if not torch.cuda.is_available():
        pytest.skip("Liger-Kernel's kernels need a CUDA device")
    from liger_kernel.transformers.jsd import LigerJSD

    student, teacher = STUDENT.cuda(), TEACHER.cuda()
    theirs = LigerJSD(beta=0.5)(student.log_softmax(-1), teacher.log_softmax(-1))
    torch.testing.assert_close(js_divergence(student, teacher, beta=0.5), theirs)
