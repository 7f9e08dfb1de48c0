"""A backbone's levels mixed at the finest one's grid."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from phr_mmpose.models.layers.levels import check_channels
from phr_mmpose.utils.errors import UserError


@MODELS.register_module()
class FusionNeck(BaseModule):
    """Mix all levels at the finest one's grid, and keep the levels as they are.

    Each level is projected to as many channels at its own grid, then enlarged and
    added to the next finer one, as in a feature pyramid, but what follows is one
    stack of cheap layers at the finest grid. A light backbone's levels are linear in
    its last layer, so that scores read straight from them could only add them up; the
    mixed features are not linear and see their neighbourhood. The levels go along,
    so that a short training can use them at once: let ``FCNPartDetectorHead`` score
    all that comes out.

    Letters: B samples, c_i ``in_channels``, c ``mixed_channels``, h_i x w_i the grid
    of level i.

    Args:
        in_channels (Sequence[int]): Channels of the levels, finest first.
        mixed_channels (int): Channels of the mixed features. Defaults to 128.
        kernel_size (int): Of the depthwise convolution. Defaults to 5.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        UserError: If the kernel is even.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        mixed_channels: int = 128,
        kernel_size: int = 5,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if kernel_size % 2 == 0:
            raise UserError(f'FusionNeck kernel_size must be odd, got {kernel_size}')
        self.laterals = nn.ModuleList(
            nn.Conv2d(channels, mixed_channels, 1, bias=False)
            for channels in in_channels
        )
        self.mix = nn.Sequential(
            nn.BatchNorm2d(mixed_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(
                mixed_channels,
                mixed_channels,
                kernel_size,
                padding=kernel_size // 2,
                groups=mixed_channels,
                bias=False,
            ),
            nn.BatchNorm2d(mixed_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(mixed_channels, mixed_channels, 1, bias=False),
            nn.BatchNorm2d(mixed_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Mix the levels.

        Args:
            feats (Sequence[Tensor]): The levels, finest first, (B, c_i, h_i, w_i).

        Returns:
            tuple[Tensor]: The finest level with the mixed features behind its own
            channels, (B, c_0 + c, h_0, w_0), then the other levels as they are.

        Raises:
            UserError: If the levels have other channels.
        """
        wanted = [lateral.in_channels for lateral in self.laterals]
        check_channels('FusionNeck', wanted, feats)
        mixed = None
        for level, lateral in zip(
            reversed(feats), reversed(self.laterals), strict=True
        ):
            projected = lateral(level)
            if mixed is not None:
                projected = projected + F.interpolate(
                    mixed,
                    size=projected.shape[2:],
                    mode='bilinear',
                    align_corners=False,
                )
            mixed = projected
        return (torch.cat((feats[0], self.mix(mixed)), dim=1), *feats[1:])
