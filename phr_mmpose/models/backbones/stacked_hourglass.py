"""Stacked hourglasses that score their heatmaps at several sizes."""

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from phr_mmpose.models.layers import (
    PreActBottleneck,
    conv_norm_relu,
    residual_chain,
    start_from_prior,
)
from phr_mmpose.utils.errors import UserError


class _Hourglass(nn.Module):
    """One hourglass: pooled ``depth`` times, enlarged again, skips added."""

    def __init__(self, depth: int, channels: int, blocks: int):
        super().__init__()
        chain = [channels] * (blocks + 1)
        self.skip = residual_chain(*chain)
        self.down = nn.Sequential(nn.MaxPool2d(2), residual_chain(*chain))
        self.inner = (
            _Hourglass(depth - 1, channels, blocks)
            if depth > 1
            else _Bottom(channels, blocks)
        )
        self.up = residual_chain(*chain)

    def forward(self, features: Tensor) -> list[Tensor]:
        """Map (B, C, H, W) to what is decoded at each size, finest first."""
        lower, *coarser = self.inner(self.down(features))
        lower = self.up(lower)
        enlarged = F.interpolate(lower, scale_factor=2.0, mode='nearest')
        return [self.skip(features) + enlarged, lower, *coarser]


class _Bottom(nn.Module):
    """The bottlenecks at the coarsest size."""

    def __init__(self, channels: int, blocks: int):
        super().__init__()
        self.residuals = residual_chain(*[channels] * (blocks + 1))

    def forward(self, features: Tensor) -> list[Tensor]:
        """Map (B, C, H, W) to a list of one of that shape."""
        return [self.residuals(features)]


class _Stack(nn.Module):
    """An hourglass and its scores."""

    def __init__(
        self,
        depth: int,
        channels: int,
        blocks: int,
        keypoints: int,
        num_scales: int,
        prior: float,
    ):
        super().__init__()
        self.hourglass = _Hourglass(depth, channels, blocks)
        self.tail = nn.Sequential(
            residual_chain(*[channels] * (blocks + 1)),
            *conv_norm_relu(channels, channels),
        )
        self.scores = nn.ModuleList(
            nn.Conv2d(channels, keypoints, 1) for _ in range(num_scales)
        )
        for score in self.scores:
            nn.init.zeros_(score.weight)
            start_from_prior(score, prior)

    def forward(self, features: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Map (B, C, H, W) to features of that shape and scores, finest first."""
        decoded = self.hourglass(features)
        decoded[0] = self.tail(decoded[0])
        # The hourglass may decode at more sizes than are scored.
        pairs = zip(self.scores, decoded, strict=False)
        return decoded[0], [score(maps) for score, maps in pairs]


@MODELS.register_module()
class StackedHourglass(BaseModule):
    """The network of `Stacked Hourglass Networks for Human Pose Estimation
    <https://arxiv.org/abs/1603.06937>`_ with its scores.

    Unlike MMPose's ``HourglassNet``, which has CornerNet's residuals, this one has
    pre-activation bottlenecks and feeds each stack's scores back: features and
    scores are mapped by 1x1 convolutions and added to the next stack's input. The
    backbone scores by itself for that, and a head reads scores:
    ``StackedDetectorHead`` in the cascade's head, or MMPose's ``CPMHead`` with
    ``final_layer=None`` where ``out_features`` is False and ``num_scales`` 1.

    With ``num_scales`` each stack scores its decoder's coarser features, too, by a
    1x1 convolution each: the multi-scale supervision of `Multi-Scale
    Structure-Aware Network for Human Pose Estimation
    <https://arxiv.org/abs/1803.09894>`_. Choices made here, which its abstract
    leaves open: what is scored is the features before they are enlarged, and only
    the finest scores are fed back.

    Letters: B samples, K ``out_channels``, C ``feat_channels``, H x W the image's
    pixels.

    Args:
        num_stacks (int): Stacks. Defaults to 8.
        out_channels (int): Keypoints K. Defaults to 16.
        num_blocks (int): Bottlenecks in a row. Defaults to 1.
        feat_channels (int): Channels C of the hourglasses. Defaults to 256.
        depth (int): How often an hourglass halves the size. Defaults to 4.
        num_scales (int): Sizes at which each stack scores: a quarter of the
            image's, half of that, and so on. Defaults to 1; MSS-Net has 4.
        prior (float): Probability that untrained scores give every pixel. 0.5 is a
            score of zero, for a regression; detectors of visible keypoints need a
            small one, or a short training only learns the background. Defaults to
            0.5.
        out_features (bool): Put out the last stack's features as well, for a
            refiner. Defaults to True.
        init_cfg (dict, optional): Initialisation config. By default torch's own;
            the scores' weights are zero and their biases those of ``prior``, which one
            for all ``Conv2d`` would overwrite.

    Raises:
        UserError: If an argument is out of its range.
    """

    def __init__(
        self,
        num_stacks: int = 8,
        out_channels: int = 16,
        num_blocks: int = 1,
        feat_channels: int = 256,
        depth: int = 4,
        num_scales: int = 1,
        prior: float = 0.5,
        out_features: bool = True,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg)
        if min(num_stacks, out_channels, num_blocks, depth) < 1:
            raise UserError(
                'StackedHourglass num_stacks, out_channels, num_blocks and depth must '
                f'be >= 1, got {num_stacks}, {out_channels}, {num_blocks} and {depth}'
            )
        if feat_channels < 8 or feat_channels % 8:
            raise UserError(
                'StackedHourglass feat_channels must be a multiple of 8, got '
                f'{feat_channels}'
            )
        if not 1 <= num_scales <= depth + 1:
            raise UserError(
                f'StackedHourglass num_scales must lie in 1 to depth + 1 = {depth + 1},'
                f' got {num_scales}'
            )
        self.out_features = out_features
        self.input_divisor = 4 * 2**depth
        half, quarter = feat_channels // 2, feat_channels // 4
        self.stem = nn.Sequential(
            *conv_norm_relu(3, quarter, 7, stride=2),
            PreActBottleneck(quarter, half),
            nn.MaxPool2d(2),
            PreActBottleneck(half, half),
            PreActBottleneck(half, feat_channels),
        )
        self.stacks = nn.ModuleList(
            _Stack(depth, feat_channels, num_blocks, out_channels, num_scales, prior)
            for _ in range(num_stacks)
        )
        self.features_back, self.scores_back = (
            nn.ModuleList(
                nn.Conv2d(channels, feat_channels, 1) for _ in range(num_stacks - 1)
            )
            for channels in (feat_channels, out_channels)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Score the keypoints.

        Args:
            images (Tensor): (B, 3, H, W), H and W multiples of ``input_divisor``.

        Returns:
            tuple[Tensor]: Of each stack, the first one first, ``num_scales`` scores
            (B, K, h, w), of H/4 x W/4 and each half as large as the one before;
            with ``out_features`` at last the last stack's features
            (B, C, H/4, W/4).

        Raises:
            UserError: If the images are of another size.
        """
        if any(side % self.input_divisor for side in images.shape[2:]):
            raise UserError(
                f'StackedHourglass needs images whose sides {self.input_divisor} '
                f'divides, got {tuple(images.shape[:1:-1])} px (width, height); change '
                'input_size or depth'
            )
        features = self.stem(images)
        scores = []
        for number, stack in enumerate(self.stacks):
            decoded, found = stack(features)
            scores += found
            if number < len(self.features_back):
                features = (
                    features
                    + self.features_back[number](decoded)
                    + self.scores_back[number](found[0])
                )
        return (*scores, decoded) if self.out_features else tuple(scores)
