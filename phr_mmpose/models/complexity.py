"""Parameters and multiplications of a pose estimator, a cascade's by subnetwork."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from mmengine.config import ConfigDict
from mmpose.codecs.base import BaseKeypointCodec
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from phr_mmpose.models.heads.cascade_head import DETECTOR, REFINER
from phr_mmpose.models.pose_estimators import CascadePoseEstimator


@dataclass(frozen=True)
class Complexity:
    """Of a network, for one image.

    Args:
        parameters (int): Its parameters.
        macs (int): Multiplications with addition, of convolutions (transposed
            ones too) and matrix products.
    """

    parameters: int
    macs: int

    def __add__(self, other: 'Complexity') -> 'Complexity':
        return Complexity(self.parameters + other.parameters, self.macs + other.macs)


def build_without_memory(model: ConfigDict) -> TopdownPoseEstimator:
    """Build a model on the meta device: its shapes without its numbers.

    Args:
        model (ConfigDict): The model's config.

    Returns:
        TopdownPoseEstimator: The model, in training mode as built.
    """
    with torch.device('meta'):
        return MODELS.build(model)


def complexity(model: TopdownPoseEstimator) -> dict[str, Complexity]:
    """Count for one image of the model's input size.

    Args:
        model (TopdownPoseEstimator): A cascade or a model of MMPose's with a head
            for heatmaps, on any device; put into evaluation mode. On the meta
            device this takes neither memory nor multiplications.

    Returns:
        dict[str, Complexity]: A cascade's by the subnetworks that there are; that
        of another model as ``'total'``.
    """
    model.eval()
    width, height = heatmap_codec(model).input_size
    device = next(model.parameters()).device
    image = torch.empty(1, 3, height, width, device=device)
    if not isinstance(model, CascadePoseEstimator):
        _, macs = _counted(lambda: model(image, None, mode='tensor'))
        return {'total': Complexity(count_parameters(model), macs)}
    macs = {}
    (feats, logits), macs[DETECTOR] = _counted(lambda: _detect(model, image))
    if model.head.refiner is not None:
        _, macs[REFINER] = _counted(lambda: model.head.regress(logits, feats))
    return {
        name: Complexity(count_parameters(*modules), macs[name])
        for name, modules in model.subnetworks().items()
    }


def heatmap_codec(model: TopdownPoseEstimator) -> BaseKeypointCodec:
    """Give the codec that knows the sizes of a model's input and heatmaps.

    Args:
        model (TopdownPoseEstimator): See :func:`complexity`.
    """
    if isinstance(model, CascadePoseEstimator):
        return model.head.detector_codec
    return model.head.decoder


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
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        result = function()
    # The counter counts multiplication and addition apart.
    return result, counter.get_total_flops() // 2
