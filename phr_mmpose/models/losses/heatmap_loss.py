"""How both losses of the cascade weigh joints and reduce to a number."""

from abc import abstractmethod

from mmpose.models.losses import BCELoss
from torch import Tensor, nn

from phr_mmpose.utils.errors import UserError


def takes_logits(loss: nn.Module) -> bool:
    """Whether a loss takes logits, or heatmaps as MMPose's do.

    Args:
        loss (nn.Module): A loss that says so in ``takes_logits``, or one of MMPose's.

    Returns:
        bool: True for logits.
    """
    if isinstance(loss, BCELoss):
        # Its ``use_sigmoid``: the output comes out of a sigmoid.
        return not loss.use_sigmoid
    return getattr(loss, 'takes_logits', False)


class HeatmapLoss(nn.Module):
    """Base of per-pixel losses over heatmaps with a weight per joint.

    Letters: B samples, K keypoints, H x W the heatmap grid; ``w`` the weights and
    ``l`` the loss of one pixel.

    Args:
        reduction (str): ``'mean'``: mean over the pixels of all weighted
            joints, ``sum(w * mean_hw(l)) / sum(w)``: it depends neither on
            the resolution nor on how many joints lack an annotation.
            ``'sum'``: Eqs. 1 and 2 as printed, the sum over pixels and the
            mean over all K keypoints (and over the B samples),
            ``sum(w * sum_hw(l)) / (B * K)``: H x W times larger where every
            joint is annotated. Defaults to ``'mean'``.
        loss_weight (float): Factor on the result. Defaults to 1.

    Raises:
        UserError: If the reduction is of another name.
    """

    #: Whether the output is logits, the sigmoid of which estimates the target;
    #: otherwise it estimates the target itself.
    takes_logits: bool

    def __init__(self, reduction: str = 'mean', loss_weight: float = 1.0):
        super().__init__()
        if reduction not in ('mean', 'sum'):
            raise UserError(
                f"{type(self).__name__} reduction must be 'mean' or 'sum', "
                f'got {reduction!r}'
            )
        self.reduction = reduction
        self.loss_weight = loss_weight

    @abstractmethod
    def pixel_loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the unreduced loss (B, K, H, W)."""

    def forward(
        self, output: Tensor, target: Tensor, target_weight: Tensor | None = None
    ) -> Tensor:
        """Compute the loss in float32, whatever the precision of the output.

        Args:
            output (Tensor): Predicted maps (B, K, H, W).
            target (Tensor): Target maps (B, K, H, W).
            target_weight (Tensor, optional): (B, K), or (B, 1, K) as MMPose
                stacks it. Defaults to all 1.

        Returns:
            Tensor: A scalar; 0, with zero gradient, where no joint weighs.
        """
        pixels = self.pixel_loss(output.float(), target.float())
        batch, keypoints, height, width = pixels.shape
        joints = pixels.mean(dim=(2, 3))
        if target_weight is None:
            target_weight = joints.new_ones(batch, keypoints)
        weights = target_weight.reshape(batch, keypoints)
        total = (joints * weights).sum()
        if self.reduction == 'sum':
            return self.loss_weight * total * (height * width / (batch * keypoints))
        return self.loss_weight * total / weights.sum().clamp(min=1e-6)
