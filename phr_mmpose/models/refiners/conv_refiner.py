"""The plain convolutional refiner (paper, section 3.1, Table 2 and Fig. 4)."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from phr_mmpose.models.layers import BilinearDeconv2d
from phr_mmpose.utils.errors import UserError

_OUTPUT_STRIDES = (1, 2, 4)
_INITS = ('gaussian', 'kaiming')


@MODELS.register_module()
class ConvRefiner(BaseModule):
    """Regress confidence maps by large kernels: blocks C1 to C8.

    Convolutions with kernels up to 15 gather context, three 1x1 ones weigh
    it, a deconvolution brings the maps to the input's resolution. Its stride
    of 4 asks for maps at a quarter of it, though Table 2 lists no pool: here
    a 2x2 one follows each of the first two convolutions, as in the network
    of Pfister et al. that the paper builds on.

    Letters: B samples, C ``in_channels``, K ``out_channels``, H x W the
    input's pixels, s ``output_stride``.

    Args:
        in_channels (int): Channels of the stack (3 + K with the image).
        out_channels (int): Keypoints K.
        widths (Sequence[int]): Channels of C1 to C6.
        kernels (Sequence[int]): Their kernels, odd.
        output_stride (int): 1: maps at the input's resolution (C8 is 8x8 with
            stride 4), 2: at a half, 4: at a quarter. Defaults to 1.
        init (str): ``'gaussian'``, the paper's: all weights from N(0, 0.01).
            ``'kaiming'``: convolutions by Kaiming's rule, scores zero and the
            deconvolution bilinear, which suits narrow layers and adaptive
            optimizers. Defaults to ``'gaussian'``.
        batch_norm (bool): Normalise after C1 to C6. Defaults to False.
        init_cfg (dict, optional): Initialisation config, in place of ``init``.

    Raises:
        UserError: If an argument is out of its range.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        widths: Sequence[int] = (64, 64, 128, 256, 512, 512),
        kernels: Sequence[int] = (9, 13, 13, 15, 1, 1),
        output_stride: int = 1,
        init: str = 'gaussian',
        batch_norm: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg)
        _check(widths, kernels, output_stride, init)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.output_stride = output_stride
        self.input_divisor = 4
        layers = []
        inputs = (in_channels, *widths)
        for place, (width, kernel) in enumerate(zip(widths, kernels, strict=True)):
            layers.append(nn.Conv2d(inputs[place], width, kernel, padding=kernel // 2))
            if batch_norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU(inplace=True))
            if place < 2:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.score = nn.Conv2d(inputs[-1], out_channels, 1)
        stride = 4 // output_stride
        self.up = (
            BilinearDeconv2d(out_channels, stride, kernel=2 * stride)
            if stride > 1
            else nn.Identity()
        )
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.zeros_(module.bias)
                if init == 'gaussian':
                    nn.init.normal_(module.weight, std=0.01)
                elif isinstance(module, nn.Conv2d):
                    nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
        if init == 'kaiming':
            nn.init.zeros_(self.score.weight)

    def forward(self, stack: Tensor) -> Tensor:
        """Regress confidence maps.

        Args:
            stack (Tensor): (B, C, H, W), H and W multiples of 4.

        Returns:
            Tensor: (B, K, H / s, W / s).
        """
        return self.up(self.score(self.features(stack)))


def _check(
    widths: Sequence[int], kernels: Sequence[int], output_stride: int, init: str
) -> None:
    if len(widths) != len(kernels) or len(widths) < 2 or min(widths) < 1:
        raise UserError(
            'ConvRefiner widths and kernels must be of one length, 2 or more, and '
            f'positive, got {tuple(widths)} and {tuple(kernels)}'
        )
    if any(kernel < 1 or kernel % 2 == 0 for kernel in kernels):
        raise UserError(
            f'ConvRefiner kernels must be odd and positive, got {tuple(kernels)}'
        )
    if output_stride not in _OUTPUT_STRIDES:
        raise UserError(
            f'ConvRefiner output_stride must be 1, 2 or 4, got {output_stride}'
        )
    if init not in _INITS:
        raise UserError(f'ConvRefiner init must be one of {_INITS}, got {init!r}')
