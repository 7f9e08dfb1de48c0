"""AdamW in one kernel."""

from mmpose.registry import OPTIMIZERS
from torch import Tensor
from torch.optim import AdamW


@OPTIMIZERS.register_module()
class FusedAdamW(AdamW):
    """AdamW whose step is one kernel where this torch has it for the device.

    On a CPU the plain step walks over every parameter in Python: a tenth of an
    iteration of a small model. torch has the kernel for CPUs from 2.4 on.

    Args:
        params: Parameters or groups of them, as for ``torch.optim.AdamW``.
        **kwargs: As for ``torch.optim.AdamW``.
    """

    def __init__(self, params, **kwargs):
        # The constructor fills groups in place and uses iterators up; a second try
        # needs them as they came.
        params = [_listed(group) for group in params]
        try:
            super().__init__([_listed(group) for group in params], **kwargs, fused=True)
        except RuntimeError:
            # What AdamW raises where it has no such kernel for the device.
            super().__init__(params, **kwargs)


def _listed(group):
    if not isinstance(group, dict):
        return group
    listed = group['params']
    return {**group, 'params': [listed] if isinstance(listed, Tensor) else list(listed)}
