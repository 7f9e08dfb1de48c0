"""Learnable up-sampling that starts as interpolation (paper, section 3.2)."""

import torch
from torch import nn


class BilinearDeconv2d(nn.ConvTranspose2d):
    """Deconvolution initialised with bilinear filters.

    The paper's B7, D5 and D7, and, with a kernel of twice the stride, C8. Each
    channel starts as an interpolated copy of itself, scaled so that a constant
    map keeps its mean.

    Args:
        channels (int): Channels in and out.
        stride (int): Stride, so the factor of the resolution.
        kernel (int, optional): Kernel size, even with an even stride and odd
            with an odd one. Defaults to the stride.
    """

    def __init__(self, channels: int, stride: int, kernel: int | None = None):
        kernel = kernel or stride
        padding = (kernel - stride) // 2
        super().__init__(channels, channels, kernel, stride, padding)
        positions = torch.arange(kernel, dtype=torch.float32)
        centre, reach = (kernel - 1) / 2, (kernel + 1) // 2
        profile = 1 - (positions - centre).abs() / reach
        profile = profile * (stride / profile.sum())
        with torch.no_grad():
            self.weight.zero_()
            self.weight[range(channels), range(channels)] = torch.outer(
                profile, profile
            )
            self.bias.zero_()
