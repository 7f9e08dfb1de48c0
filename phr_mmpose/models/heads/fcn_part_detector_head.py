"""Scoring at three levels and up-sampling (paper, section 3.1, A8 and A9)."""

from collections.abc import Sequence

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from phr_mmpose.models.layers import start_from_prior
from phr_mmpose.models.layers.levels import check_channels
from phr_mmpose.utils.errors import UserError


@MODELS.register_module()
class FCNPartDetectorHead(BaseModule):
    """Score each keypoint on several levels, add the scores, up-sample.

    As in `Fully Convolutional Networks
    <https://arxiv.org/abs/1411.4038>`_ at stride 8, which the paper's VGG
    variant follows: a 1x1 convolution scores each level (A8); the coarsest
    scores are enlarged to the next level and added, and so on; bilinear
    interpolation leads to the input's resolution (A9). Where a level's cells
    reach over the image's edge, the rest is cut off.

    Letters: B samples, K ``out_channels``.

    Args:
        in_channels (Sequence[int]): Channels of the levels, finest first.
        out_channels (int): Keypoints K.
        stride (int): Input pixels per cell of the finest level. Defaults to 8.
        prior (float): Probability that an untrained detector gives every
            pixel, as in ``PartDetectorHead``. Defaults to 0.5.
        init_cfg (dict, optional): Initialisation config. By default all
            scores begin at zero (section 3.2: "all added layers").

    Raises:
        UserError: If there is no level, or an argument is out of its range.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        stride: int = 8,
        prior: float = 0.5,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg)
        if not in_channels or stride < 1:
            raise UserError(
                'FCNPartDetectorHead needs in_channels of one level at least and a '
                f'positive stride, got {in_channels} and {stride}'
            )
        self.in_channels = tuple(in_channels)
        self.out_channels = out_channels
        self.stride = stride
        self.scores = nn.ModuleList(
            nn.Conv2d(channels, out_channels, 1) for channels in in_channels
        )
        for parameter in self.scores.parameters():
            nn.init.zeros_(parameter)
        start_from_prior(self.scores[0], prior)

    def forward(self, feats: tuple[Tensor, ...], size: tuple[int, int]) -> Tensor:
        """Score the keypoints.

        Args:
            feats (tuple[Tensor]): The levels, finest first, (B, C, h, w) each,
                each twice as fine as the next.
            size (tuple[int, int]): Heatmap size (H, W) in pixels.

        Returns:
            Tensor: Part logits (B, K, H, W).

        Raises:
            UserError: If the levels have other channels or sizes.
        """
        check_channels('FCNPartDetectorHead', self.in_channels, feats)
        logits = None
        for level, score in zip(reversed(feats), reversed(self.scores), strict=True):
            scores = score(level)
            if logits is not None:
                scores = scores + _enlarge(logits, 2, scores.shape[2:])
            logits = scores
        # In float32: the loss and the stack read these values directly.
        logits = logits.float()
        height, width = logits.shape[2:]
        # Heatmap pixels per cell: all of the input's stride, or a whole part of it.
        for factor in range(self.stride, 0, -1):
            if self.stride % factor:
                continue
            beyond = (height * factor - size[0], width * factor - size[1])
            if all(0 <= rest < factor for rest in beyond):
                return _enlarge(logits, factor, size)
        raise UserError(
            f'FCNPartDetectorHead cannot bring {height} x {width} cells to maps of '
            f'{size[0]} x {size[1]}; change heatmap_size'
        )


def _enlarge(maps: Tensor, factor: int, size: tuple[int, int]) -> Tensor:
    """Interpolate by a whole factor, then cut off below and on the right."""
    if factor > 1:
        maps = F.interpolate(
            maps, scale_factor=factor, mode='bilinear', align_corners=False
        )
    if maps.shape[2] < size[0] or maps.shape[3] < size[1]:
        raise UserError(
            f'a level of {maps.shape[2]} x {maps.shape[3]} cells, enlarged, does not '
            f'cover {size[0]} x {size[1]}; each level must be twice as fine as the next'
        )
    return maps[:, :, : size[0], : size[1]]
