"""Parameters and multiplications of a cascade, by subnetwork."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from mmengine.config import ConfigDict
from mmpose.registry import MODELS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from phr_mmpose.models.heads.cascade_head import DETECTOR, REFINER
from phr_mmpose.models.pose_estimators import CascadePoseEstimator


@dataclass(frozen=True)
class Complexity:
    """Of a subnetwork, for one image.

    Args:
        parameters (int): Its parameters.
        macs (int): Multiplications with addition, of convolutions (transposed
            ones too) and matrix products.
    """

    parameters: int
    macs: int

    def __add__(self, other: 'Complexity') -> 'Complexity':
        return Complexity(self.parameters + other.parameters, self.macs + other.macs)


def build_without_memory(model: ConfigDict) -> CascadePoseEstimator:
    """Build a model on the meta device: its shapes without its numbers.

    Args:
        model (ConfigDict): The model's config.

    Returns:
        CascadePoseEstimator: The model, in training mode as built.
    """
    with torch.device('meta'):
        return MODELS.build(model)


def complexity(model: CascadePoseEstimator) -> dict[str, Complexity]:
    """Count for one image of the cascade's input size.

    Args:
        model (CascadePoseEstimator): The model, on any device; put into
            evaluation mode. On the meta device this takes neither memory nor
            multiplications.

    Returns:
        dict[str, Complexity]: By the subnetworks that there are.
    """
    model.eval()
    width, height = model.head.detector_codec.input_size
    device = next(model.parameters()).device
    image = torch.empty(1, 3, height, width, device=device)
    macs = {}
    with torch.no_grad():
        (feats, logits), macs[DETECTOR] = _counted(lambda: _detect(model, image))
        if model.head.refiner is not None:
            _, macs[REFINER] = _counted(lambda: model.head.regress(logits, feats))
    return {
        name: Complexity(count_parameters(*modules), macs[name])
        for name, modules in model.subnetworks().items()
    }


def count_parameters(*modules: nn.Module) -> int:
    """Count the parameters of some modules.

    Args:
        *modules (nn.Module): The modules; none shares a parameter with another.
    """
    return sum(p.numel() for module in modules for p in module.parameters())


def _detect(model: CascadePoseEstimator, image: torch.Tensor) -> tuple:
    feats = model.extract_feat(image)
    return feats, model.head.detect(feats)


def _counted(function: Callable[[], object]) -> tuple[object, int]:
    """Call a function and count its multiplications with addition."""
    with FlopCounterMode(display=False) as counter:
        result = function()
    # The counter counts multiplication and addition apart.
    return result, counter.get_total_flops() // 2
