"""The residual refiner: a (modified) hourglass (paper, Table 4 and Fig. 6)."""

from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from phr_mmpose.models.layers import (
    BilinearDeconv2d,
    PreActBottleneck,
    build_score_layers,
    conv_norm_relu,
    residual_chain,
)
from phr_mmpose.utils.errors import UserError


class _PaperLevel(nn.Module):
    """One level of Table 4: D3 below, D4 on the skip, D5 up; C channels throughout."""

    def __init__(self, depth: int, width: int, blocks: int):
        super().__init__()
        chain = [width] * (blocks + 1)
        self.skip = residual_chain(*chain)
        lower = [nn.MaxPool2d(2), residual_chain(*chain)]
        if depth > 1:
            lower.append(_PaperLevel(depth - 1, width, blocks))
        self.lower = nn.Sequential(*lower, BilinearDeconv2d(width, 2))

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H, W)."""
        return self.skip(features) + self.lower(features)


class _ReleasedLevel(nn.Module):
    """One level of the released graph: C channels in, 2 C out."""

    def __init__(self, depth: int, width: int, blocks: int):
        super().__init__()
        chain = [width] * blocks
        self.skip = residual_chain(*chain, 2 * width)
        inner = (
            _ReleasedLevel(depth - 1, width, blocks)
            if depth > 1
            else PreActBottleneck(width, 2 * width)
        )
        self.lower = nn.Sequential(
            nn.MaxPool2d(2),
            residual_chain(*chain, width),
            inner,
            PreActBottleneck(2 * width, 2 * width),
            BilinearDeconv2d(2 * width, 2),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, 2 C, H, W)."""
        return self.skip(features) + self.lower(features)


@MODELS.register_module()
class HourglassRefiner(BaseModule):
    """Regress confidence maps from heatmaps stacked with the image.

    From `Human Pose Estimation via Convolutional Part Heatmap Regression
    <https://arxiv.org/abs/1609.01743>`_, section 3.2. Two graphs:

    - ``'paper'``: Table 4. Stem, ``blocks`` bottlenecks, levels of constant
      width, 1x1 convolution to twice the width, scores, deconvolution.
    - ``'released'``: the graph of the weights that the authors published
      (17.37 M parameters and 15.7 GMac at 256 x 256 with 19 input channels):
      the levels put out twice their width, each way up has one more
      bottleneck, and the tail has two 1x1 convolutions.

    Letters: B samples, C ``in_channels``, K ``out_channels``, H x W the
    input's pixels, s ``output_stride``.

    Args:
        in_channels (int): Channels of the stack (3 + K with the image).
        out_channels (int): Keypoints K.
        graph (str): ``'paper'`` or ``'released'``. Defaults to ``'released'``.
        width (int): Channels of the hourglass. Defaults to 256.
        depth (int): Levels of the hourglass. Defaults to 4.
        blocks (int): Bottlenecks in a row. Defaults to 3.
        stem_kernel (int): Kernel of the first convolution. Defaults to 7.
        output_stride (int): 1: maps at the input's resolution, 2: at a half,
            4: at a quarter. Defaults to 1.
        merged (bool): Let the last deconvolution score, see
            :func:`phr_mmpose.models.layers.build_score_layers`. Defaults to
            False.
        init_cfg (dict, optional): Initialisation config. By default
            convolutions are Kaiming-normal, deconvolutions bilinear and the
            scores zero (zero everywhere, as the paper has it, does not train:
            only biases would ever receive a gradient).

    Raises:
        UserError: If an argument is out of its range.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        graph: str = 'released',
        width: int = 256,
        depth: int = 4,
        blocks: int = 3,
        stem_kernel: int = 7,
        output_stride: int = 1,
        merged: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg)
        _check(graph, width, depth, blocks, stem_kernel, output_stride)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.output_stride = output_stride
        self.input_divisor = 4 * 2**depth
        first = conv_norm_relu(in_channels, width // 4, stem_kernel, stride=2)
        pool = nn.MaxPool2d(2)
        if graph == 'paper':
            chain = residual_chain(width // 4, *[width] * blocks)
            self.stem = nn.Sequential(*first, pool, chain)
            self.hourglass = _PaperLevel(depth, width, blocks)
            tail = conv_norm_relu(width, 2 * width)
            scored = 2 * width
        else:
            half = width // 2
            chain = residual_chain(*[half] * blocks, width)
            self.stem = nn.Sequential(
                *first, PreActBottleneck(width // 4, half), pool, chain
            )
            self.hourglass = _ReleasedLevel(depth, width, blocks)
            tail = conv_norm_relu(2 * width, 2 * width) + conv_norm_relu(
                2 * width, width
            )
            scored = width
        score, up = build_score_layers(scored, out_channels, 4 // output_stride, merged)
        self.tail = nn.Sequential(*tail, score, up)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
                nn.init.zeros_(module.bias)
        nn.init.zeros_(score.weight)

    def forward(self, stack: Tensor) -> Tensor:
        """Regress confidence maps.

        Args:
            stack (Tensor): (B, C, H, W), H and W multiples of
                ``input_divisor``.

        Returns:
            Tensor: (B, K, H / s, W / s).
        """
        return self.tail(self.hourglass(self.stem(stack)))


def _check(
    graph: str,
    width: int,
    depth: int,
    blocks: int,
    stem_kernel: int,
    output_stride: int,
) -> None:
    if graph not in ('paper', 'released'):
        raise UserError(
            f"HourglassRefiner graph must be 'paper' or 'released', got {graph!r}"
        )
    if width < 8 or width % 8:
        raise UserError(f'HourglassRefiner width must be a multiple of 8, got {width}')
    if depth < 1 or blocks < 1:
        raise UserError(
            f'HourglassRefiner depth and blocks must be >= 1, got {depth} and {blocks}'
        )
    if stem_kernel < 1 or stem_kernel % 2 == 0:
        raise UserError(
            f'HourglassRefiner stem_kernel must be odd and positive, got {stem_kernel}'
        )
    if output_stride not in (1, 2, 4):
        raise UserError(
            f'HourglassRefiner output_stride must be 1, 2 or 4, got {output_stride}'
        )
