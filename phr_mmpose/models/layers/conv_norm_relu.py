"""A convolution with what follows it in most places."""

from torch import nn


def conv_norm_relu(
    in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1
) -> list[nn.Module]:
    """Build a convolution with bias, its batch norm and its rectifier.

    Args:
        in_channels (int): Channels of the input.
        out_channels (int): Channels of the output.
        kernel (int): Side of the kernel, odd. Defaults to 1.
        stride (int): Input pixels for one of the output. Defaults to 1.

    Returns:
        list[nn.Module]: The three, to be put in an ``nn.Sequential``.
    """
    return [
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    ]
