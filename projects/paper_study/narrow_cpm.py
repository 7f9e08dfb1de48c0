"""Convolutional Pose Machines that a CPU can train."""

from collections.abc import Mapping
from typing import Any

from mmcv.cnn import ConvModule
from mmpose.models.backbones import CPM
from mmpose.registry import MODELS
from torch import nn


@MODELS.register_module()
class NarrowCPM(CPM):
    """MMPose's ``CPM`` with narrower stems.

    The widths of its two stems are written into MMPose's class: 128 channels and
    kernels of 9 x 9, 15 GMac for 128 x 128 px. Here they are arguments; kernels,
    strides and stages are MMPose's (Wei et al., CVPR 2016, section 3).

    Args:
        in_channels (int): Channels of the image.
        out_channels (int): Joints.
        stem_channels (int): Width of both stems, in place of 128. Defaults to 16.
        score_channels (int): Width of the layers in front of the first stage's
            scores, in place of 512. Defaults to 64.
        feat_channels (int): As in ``CPM``. Defaults to 32.
        middle_channels (int): As in ``CPM``. Defaults to 16.
        num_stages (int): As in ``CPM``. Defaults to 3.
        norm_cfg (dict): As in ``CPM``. Defaults to ``dict(type='BN')``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stem_channels: int = 16,
        score_channels: int = 64,
        feat_channels: int = 32,
        middle_channels: int = 16,
        num_stages: int = 3,
        norm_cfg: Mapping[str, Any] = dict(type='BN'),
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            feat_channels=feat_channels,
            middle_channels=middle_channels,
            num_stages=num_stages,
            norm_cfg=norm_cfg,
        )

        def conv(inputs: int, outputs: int, kernel: int) -> ConvModule:
            return ConvModule(
                inputs, outputs, kernel, padding=kernel // 2, norm_cfg=norm_cfg
            )

        def to_an_eighth() -> list[nn.Module]:
            widths = (in_channels, stem_channels, stem_channels)
            return [
                layer
                for width in widths
                for layer in (conv(width, stem_channels, 9), nn.MaxPool2d(3, 2, 1))
            ]

        self.stem = nn.Sequential(
            *to_an_eighth(),
            conv(stem_channels, middle_channels, 5),
            conv(middle_channels, score_channels, 9),
            conv(score_channels, score_channels, 1),
            ConvModule(score_channels, out_channels, 1, act_cfg=None),
        )
        self.middle = nn.Sequential(*to_an_eighth())
        self.middle_conv = nn.ModuleList(
            nn.Sequential(conv(stem_channels, middle_channels, 5))
            for _ in range(num_stages - 1)
        )
