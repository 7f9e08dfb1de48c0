"""Mixed precision that also works on a CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmpose.registry import OPTIM_WRAPPERS
from torch import nn


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Run the forward pass under bfloat16 autocast, on any device.

    MMEngine's ``AmpOptimWrapper`` refuses to run without a GPU. bfloat16 has
    float32's range, so no loss scaling is needed. Weights, gradients and the
    optimizer's state stay in float32.

    Args:
        *args: As for MMEngine's ``OptimWrapper``.
        **kwargs: As for MMEngine's ``OptimWrapper``.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast, and synchronise gradients as ``OptimWrapper`` does.

        Args:
            model (nn.Module): The model that trains.
        """
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, torch.bfloat16):
            yield
