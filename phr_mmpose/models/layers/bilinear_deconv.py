"""Learnable up-sampling that starts as interpolation (paper, section 3.2)."""

import torch
from torch import nn


class BilinearDeconv2d(nn.ConvTranspose2d):
    """Deconvolution with kernel = stride, initialised with bilinear filters.

    The paper's B7, D5 and D7. Each channel starts as an interpolated copy of
    itself, scaled so that a constant map keeps its mean.

    Args:
        channels (int): Channels in and out.
        stride (int): Stride and kernel size, so the factor of the resolution.
    """

    def __init__(self, channels: int, stride: int):
        super().__init__(channels, channels, kernel_size=stride, stride=stride)
        positions = torch.arange(stride, dtype=torch.float32)
        centre, reach = (stride - 1) / 2, (stride + 1) // 2
        profile = 1 - (positions - centre).abs() / reach
        profile = profile / profile.mean()
        with torch.no_grad():
            self.weight.zero_()
            self.weight[range(channels), range(channels)] = torch.outer(
                profile, profile
            )
            self.bias.zero_()
