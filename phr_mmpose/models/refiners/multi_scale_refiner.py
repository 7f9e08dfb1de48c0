"""The refiner of MSS-Net: convolutions down, deconvolutions up."""

from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from phr_mmpose.models.layers import BilinearDeconv2d, conv_norm_relu
from phr_mmpose.utils.errors import UserError


class _Level(nn.Module):
    """Half the size and back, added to what came in."""

    def __init__(self, depth: int, width: int):
        super().__init__()
        self.lower = nn.Sequential(
            *conv_norm_relu(width, width, 3, stride=2),
            _Level(depth - 1, width)
            if depth > 1
            else nn.Sequential(
                *conv_norm_relu(width, width, 3), *conv_norm_relu(width, width, 3)
            ),
            BilinearDeconv2d(width, 2, kernel=4),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        return features + self.lower(features)


@MODELS.register_module()
class MultiScaleRefiner(BaseModule):
    """Regress the final heatmaps from those of several sizes.

    The multi-scale regression of `Multi-Scale Structure-Aware Network for Human Pose
    Estimation <https://arxiv.org/abs/1803.09894>`_, whose abstract names a network
    at the end that optimizes the match of multi-scale features over the whole body.
    After a ``StackedDetectorHead`` the stack holds the heatmaps of all its sizes,
    brought to one; after another detector it refines the one size there is.

    Choices made here: convolutions of stride 2 and deconvolutions of constant
    width, skips added; it works at the heatmaps' size, to which convolutions of
    stride 2 lead where the stack holds the picture in place of features.

    Letters: B samples, C ``in_channels``, K ``out_channels``, H x W the stack's
    pixels, s ``output_stride``.

    Args:
        in_channels (int): Channels of the stack.
        out_channels (int): Keypoints K.
        width (int): Channels of all layers. Defaults to 256.
        depth (int): How often it halves the heatmaps' size. Defaults to 4.
        output_stride (int): Pixels of the stack for one of the heatmaps along each
            axis, a power of two. Defaults to 1, for features.
        init_cfg (dict, optional): Initialisation config. By default convolutions
            are Kaiming-normal, deconvolutions bilinear and the scores zero.

    Raises:
        UserError: If an argument is out of its range.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        width: int = 256,
        depth: int = 4,
        output_stride: int = 1,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg)
        if min(width, depth) < 1:
            raise UserError(
                f'MultiScaleRefiner width and depth must be >= 1, got {width} and '
                f'{depth}'
            )
        if output_stride < 1 or output_stride & (output_stride - 1):
            raise UserError(
                'MultiScaleRefiner output_stride must be a power of two, got '
                f'{output_stride}'
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.output_stride = output_stride
        self.input_divisor = output_stride * 2**depth
        halvings = output_stride.bit_length() - 1
        stem = conv_norm_relu(in_channels, width, 3, stride=2 if halvings else 1)
        for _ in range(halvings - 1):
            stem += conv_norm_relu(width, width, 3, stride=2)
        self.stem = nn.Sequential(*stem)
        self.levels = _Level(depth, width)
        self.score = nn.Conv2d(width, out_channels, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
                nn.init.zeros_(module.bias)
        nn.init.zeros_(self.score.weight)

    def forward(self, stack: Tensor) -> Tensor:
        """Regress heatmaps.

        Args:
            stack (Tensor): (B, C, H, W), H and W multiples of ``input_divisor``.

        Returns:
            Tensor: (B, K, H / s, W / s).
        """
        return self.score(self.levels(self.stem(stack)))
