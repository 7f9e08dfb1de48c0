"""VGG-16 made fully convolutional (paper, section 3.1, Table 1 and Fig. 3)."""

from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from phr_mmpose.utils.errors import UserError

# torchvision's name of VGG-16, and the channels of its first level.
_VGG16, _FIRST = 'D', 64


@MODELS.register_module()
class FullyConvolutionalVGG(BaseModule):
    """The trunk of the paper's VGG-FCN detector: blocks A1 to A7.

    Thirteen 3x3 convolutions in five levels, each closed by a pool, then what
    were the first two fully connected layers, as convolutions. Pools round
    up, as in Caffe, in which the paper's network was trained: 380 px become
    48, 24 and 12 cells, so that each map is twice the next one's size.

    Parameters are named as in torchvision's ``vgg16``, whose weights load as
    they are (``init_cfg=dict(type='Pretrained',
    checkpoint='torchvision://vgg16')``), the fully connected layers' too.

    Letters: B samples, H x W the image's pixels, c ``width``.

    Args:
        width (int): Channels of the first level; the others have 2, 4, 8 and
            8 times as many. Defaults to 64.
        hidden (int): Channels of A6 and A7. Defaults to 4096.
        kernel (int): Kernel of A6, odd. Defaults to 7 (Table 1).
        dropout (float): Share of A6's and A7's outputs left out in training,
            as in VGG. Defaults to 0.5.
        batch_norm (bool): Normalise after each convolution of A1 to A5, for
            training from random weights. Defaults to False.
        init_cfg (dict, optional): Initialisation config. By default
            Kaiming-normal.

    Raises:
        UserError: If an argument is out of its range.
    """

    def __init__(
        self,
        width: int = _FIRST,
        hidden: int = 4096,
        kernel: int = 7,
        dropout: float = 0.5,
        batch_norm: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg or dict(type='Kaiming', layer='Conv2d'))
        if min(width, hidden) < 1:
            raise UserError(
                'FullyConvolutionalVGG width and hidden must be >= 1, got '
                f'{width} and {hidden}'
            )
        if kernel < 1 or kernel % 2 == 0:
            raise UserError(
                f'FullyConvolutionalVGG kernel must be odd and positive, got {kernel}'
            )
        plan = [
            layer if layer == 'M' else layer * width // _FIRST for layer in cfgs[_VGG16]
        ]
        self.features = make_layers(plan, batch_norm)
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                layer.ceil_mode = True
        self.classifier = nn.Sequential(
            nn.Conv2d(8 * width, hidden, kernel, padding=kernel // 2),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Conv2d(hidden, hidden, 1),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Extract features at strides 8, 16 and 32.

        Args:
            images (Tensor): (B, 3, H, W).

        Returns:
            tuple[Tensor]: A3 (B, 4 c, H/8, W/8), A4 (B, 8 c, H/16, W/16) and
            A7 (B, ``hidden``, H/32, W/32), sizes rounded up.
        """
        pooled = []
        features = images
        for layer in self.features:
            features = layer(features)
            if isinstance(layer, nn.MaxPool2d):
                pooled.append(features)
        return pooled[2], pooled[3], self.classifier(features)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        """Give fully connected layers the shape of convolutions, then load."""
        for name, parameter in self.classifier.named_parameters():
            key = f'{prefix}classifier.{name}'
            weight = state_dict.get(key)
            if weight is not None and weight.numel() == parameter.numel():
                state_dict[key] = weight.reshape(parameter.shape)
        super()._load_from_state_dict(state_dict, prefix, *args)
