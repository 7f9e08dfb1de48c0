"""The detector's loss (paper, Eq. 1)."""

import torch.nn.functional as F
from mmpose.registry import MODELS
from torch import Tensor

from phr_mmpose.models.losses.heatmap_loss import HeatmapLoss


@MODELS.register_module()
class SigmoidCrossEntropyLoss(HeatmapLoss):
    """Pixel-wise sigmoid cross entropy of score maps, from logits.

    From `Human Pose Estimation via Convolutional Part Heatmap Regression
    <https://arxiv.org/abs/1609.01743>`_, Eq. 1 (printed there without its
    minus sign). The output holds logits, which keeps it safe under mixed
    precision. See :class:`HeatmapLoss` for the arguments.
    """

    takes_logits = True

    def pixel_loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the cross entropy of each pixel (B, K, H, W)."""
        return F.binary_cross_entropy_with_logits(output, target, reduction='none')
