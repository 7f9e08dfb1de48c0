"""The refiner's loss (paper, Eq. 2)."""

from mmpose.registry import MODELS
from torch import Tensor

from phr_mmpose.models.losses.heatmap_loss import HeatmapLoss


@MODELS.register_module()
class ConfidenceMSELoss(HeatmapLoss):
    """Squared error of confidence maps.

    From `Human Pose Estimation via Convolutional Part Heatmap Regression
    <https://arxiv.org/abs/1609.01743>`_, Eq. 2. Unlike MMPose's
    ``KeypointMSELoss`` its mean leaves out the joints that weigh 0. See
    :class:`HeatmapLoss` for the arguments.
    """

    takes_logits = False

    def pixel_loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the squared error of each pixel (B, K, H, W)."""
        return (output - target).square()
