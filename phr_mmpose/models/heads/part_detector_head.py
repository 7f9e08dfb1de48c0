"""Scoring and up-sampling of the part detector (paper, Table 3, B6 and B7)."""

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from phr_mmpose.models.layers import build_score_layers, start_from_prior
from phr_mmpose.utils.errors import UserError


@MODELS.register_module()
class PartDetectorHead(BaseModule):
    """Score each keypoint on the backbone's last feature map and up-sample.

    B6 is a 1x1 convolution to K scores, B7 a deconvolution with kernel and
    stride ``deconv_stride``; what is then missing to the heatmap's size (with
    the paper's stride-16 trunk and full-size maps: a factor 4, which the
    paper leaves open) is bilinear interpolation.

    Letters: B samples, C ``in_channels``, K ``out_channels``.

    Args:
        in_channels (int): Channels of the backbone's last feature map.
        out_channels (int): Keypoints K.
        deconv_stride (int): Factor of B7. Defaults to 4.
        prior (float): Probability that an untrained detector gives every
            pixel, through the bias of B6. 0.5 is the paper's zero; a small
            one spares the first iterations, which else only learn that
            nearly all pixels are background. Defaults to 0.5.
        merged (bool): Let the deconvolution score, see
            :func:`phr_mmpose.models.layers.build_score_layers`. Defaults to
            False.
        init_cfg (dict, optional): Initialisation config. By default B6 is
            zero and B7 bilinear.

    Raises:
        UserError: If ``deconv_stride`` or ``prior`` is out of its range.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        deconv_stride: int = 4,
        prior: float = 0.5,
        merged: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg)
        if deconv_stride < 1:
            raise UserError(
                f'PartDetectorHead deconv_stride must be >= 1, got {deconv_stride}'
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.score, self.up = build_score_layers(
            in_channels, out_channels, deconv_stride, merged
        )
        # On the last bias, since B7's filters scale what passes through.
        last = self.score if isinstance(self.up, nn.Identity) else self.up
        start_from_prior(last, prior)

    def forward(self, feats: tuple[Tensor, ...], size: tuple[int, int]) -> Tensor:
        """Score the keypoints.

        Args:
            feats (tuple[Tensor]): Feature maps; the last, (B, C, h, w), is used.
            size (tuple[int, int]): Heatmap size (H, W) in pixels.

        Returns:
            Tensor: Part logits (B, K, H, W).

        Raises:
            UserError: If the feature map has other than ``in_channels``.
        """
        if feats[-1].shape[1] != self.in_channels:
            raise UserError(
                f'PartDetectorHead in_channels is {self.in_channels}, the last feature '
                f'map has {feats[-1].shape[1]}; set it to {feats[-1].shape[1]}'
            )
        logits = self.up(self.score(feats[-1]))
        if logits.shape[2:] != size:
            # In float32: the loss and the stack read these values directly.
            logits = F.interpolate(
                logits.float(), size=size, mode='bilinear', align_corners=False
            )
        return logits
