"""The bottleneck of "Identity mappings in deep residual networks"."""

from itertools import pairwise

from torch import Tensor, nn


class PreActBottleneck(nn.Module):
    """BN-ReLU-1x1-BN-ReLU-3x3-BN-ReLU-1x1 with an identity skip.

    The residual block of the refiner (paper, Table 4), as in `Identity
    Mappings in Deep Residual Networks <https://arxiv.org/abs/1603.05027>`_.
    The released weights have biases in its convolutions, so these have too.

    Args:
        in_channels (int): Channels of the input.
        out_channels (int): Channels of the output; the inner ones are half of
            it. Where it differs from ``in_channels`` the skip is a 1x1
            convolution.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        inner = out_channels // 2
        self.residual = nn.Sequential(
            nn.BatchNorm2d(in_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(in_channels, inner, 1),
            nn.BatchNorm2d(inner),
            nn.ReLU(inplace=True),
            nn.Conv2d(inner, inner, 3, padding=1),
            nn.BatchNorm2d(inner),
            nn.ReLU(inplace=True),
            nn.Conv2d(inner, out_channels, 1),
        )
        self.skip = (
            nn.Identity()
            if in_channels == out_channels
            else nn.Conv2d(in_channels, out_channels, 1)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, C_in, H, W) to (B, C_out, H, W)."""
        return self.skip(features) + self.residual(features)


def residual_chain(*channels: int) -> nn.Sequential:
    """Bottlenecks from each number of channels to the next.

    Args:
        *channels (int): N numbers.

    Returns:
        nn.Sequential: N - 1 bottlenecks.
    """
    return nn.Sequential(*(PreActBottleneck(a, b) for a, b in pairwise(channels)))
