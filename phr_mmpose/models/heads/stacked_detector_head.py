"""The detector of a backbone that scores by itself, stack after stack."""

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from phr_mmpose.codecs.heatmap_codec import HeatmapCodec
from phr_mmpose.utils.errors import UserError

_COARSE_TARGETS = ('drawn', 'shrunk')

Joints = tuple[Tensor, Tensor, Tensor]


@MODELS.register_module()
class StackedDetectorHead(BaseModule):
    """Hand on the last stack's scores; supervise those of all stacks and sizes.

    For ``StackedHourglass``. The loss is the sum over stacks and sizes, each against
    targets of its size: the intermediate supervision of `Stacked Hourglass Networks
    <https://arxiv.org/abs/1603.06937>`_ and, with ``num_scales``, the multi-scale
    supervision of `MSS-Net <https://arxiv.org/abs/1803.09894>`_. A refiner after it
    reads the last stack's coarser scores beside the finest.

    Letters: B samples, K ``out_channels``, H x W the heatmap grid.

    Args:
        out_channels (int): Keypoints K.
        num_scales (int): Sizes at which the backbone scores. Defaults to 1.
        coarse_targets (str): How targets of the coarser sizes are made, which the
            abstract of MSS-Net leaves open. ``'drawn'``: by the codec on the
            coarser grid, its radius or sigma as many cells as on the finest;
            ``'shrunk'``: the largest value of each cell of the finest targets, which
            was four points better (docs/results.md). Defaults to ``'shrunk'``.
        init_cfg (dict, optional): Not used: there is nothing to learn.

    Raises:
        UserError: If an argument is out of its range.
    """

    def __init__(
        self,
        out_channels: int,
        num_scales: int = 1,
        coarse_targets: str = 'shrunk',
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg)
        if num_scales < 1:
            raise UserError(
                f'StackedDetectorHead num_scales must be >= 1, got {num_scales}'
            )
        if coarse_targets not in _COARSE_TARGETS:
            raise UserError(
                f'StackedDetectorHead coarse_targets must be one of {_COARSE_TARGETS}, '
                f'got {coarse_targets!r}'
            )
        self.out_channels = out_channels
        self.num_scales = num_scales
        self.coarse_targets = coarse_targets

    def forward(self, feats: tuple[Tensor, ...], size: tuple[int, int]) -> Tensor:
        """Choose the last stack's finest scores.

        Args:
            feats (tuple[Tensor]): From ``StackedHourglass``: scores (B, K, h, w),
                ``num_scales`` of each stack, and at last features.
            size (tuple[int, int]): Heatmap size (H, W) in pixels.

        Returns:
            Tensor: Scores (B, K, H, W).

        Raises:
            UserError: If the scores are of other sizes or another number, or the last
                map has as many channels as there are keypoints, so that it may be one
                of them.
        """
        *scores, features = feats
        self._check(scores, size)
        if features.shape[1] == self.out_channels:
            raise UserError(
                f'the last map of the backbone has {self.out_channels} channels, as '
                'many as there are keypoints: leave out_features=True, and give '
                'feat_channels another number'
            )
        return self._stacks(feats)[-1][0]

    def coarser(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Choose the last stack's other scores, finest first.

        Args:
            feats (tuple[Tensor]): As for :meth:`forward`.

        Returns:
            tuple[Tensor]: (B, K, h, w) each, ``num_scales - 1`` of them.
        """
        return self._stacks(feats)[-1][1:]

    def supervise(
        self,
        feats: tuple[Tensor, ...],
        joints: Joints,
        codec: HeatmapCodec,
        loss: nn.Module,
    ) -> Tensor:
        """Sum the loss over all stacks and sizes.

        Args:
            feats (tuple[Tensor]): As for :meth:`forward`.
            joints (tuple[Tensor]): What ``codec.encode_batch`` takes.
            codec (HeatmapCodec): Draws the finest targets.
            loss (nn.Module): Of scores, targets and weights.

        Returns:
            Tensor: A scalar.
        """
        stacks = self._stacks(feats)
        finest = codec.encode_batch(*joints)
        targets = [finest]
        for scores in stacks[0][1:]:
            height, width = scores.shape[2:]
            if self.coarse_targets == 'drawn':
                coarser = codec.coarser(finest[0].shape[2] // height)
                targets.append(coarser.encode_batch(*joints))
            else:
                heatmaps = F.adaptive_max_pool2d(finest[0], (height, width))
                targets.append((heatmaps, finest[1]))
        return sum(
            loss(scores, *target)
            for stack in stacks
            for scores, target in zip(stack, targets, strict=True)
        )

    def _stacks(self, feats: tuple[Tensor, ...]) -> list[tuple[Tensor, ...]]:
        *scores, _ = feats
        first = range(0, len(scores), self.num_scales)
        return [tuple(scores[i : i + self.num_scales]) for i in first]

    def _check(self, scores: list[Tensor], size: tuple[int, int]) -> None:
        """Refuse scores that a config has made for something else."""
        sizes = [tuple(each.shape[2:]) for each in scores]
        halved = [
            (size[0] // 2**scale, size[1] // 2**scale)
            for scale in range(self.num_scales)
        ]
        stacks, rest = divmod(len(sizes), self.num_scales)
        if rest or sizes != halved * max(stacks, 1):
            raise UserError(
                f'StackedDetectorHead with num_scales={self.num_scales} and heatmaps '
                f'of {size[0]} x {size[1]} px needs scores of {halved} from each '
                f'stack, the backbone gives {sizes}; give StackedHourglass and the '
                'head the same num_scales, heatmap_size a quarter of input_size, and '
                'leave out_features=True'
            )
        channels = scores[0].shape[1]
        if channels != self.out_channels:
            raise UserError(
                f'the backbone scores {channels} keypoints, the head has out_channels '
                f'{self.out_channels}; set model.backbone.out_channels to '
                f'{self.out_channels}'
            )
