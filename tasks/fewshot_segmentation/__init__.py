"""Few-shot segmentation: base training, tasks of novel classes, protocol and metrics."""

from tasks.fewshot_segmentation.protocol import BaseNetwork, Episodes, FewShotMethod
from tasks.fewshot_segmentation.task import FewShotSegmentation

__all__ = ["BaseNetwork", "Episodes", "FewShotMethod", "FewShotSegmentation"]
