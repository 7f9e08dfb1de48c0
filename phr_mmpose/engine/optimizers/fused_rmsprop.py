"""RMSprop in one kernel."""

from collections.abc import Callable

import torch
from mmpose.registry import OPTIMIZERS
from torch import Tensor
from torch.optim import RMSprop

# Fused Adam for CPUs came with 2.4.
_TORCH_FUSES = tuple(int(part) for part in torch.__version__.split('.')[:2]) >= (2, 4)
# Adam corrects its averages for beginning at zero; after so many steps by nothing.
_MANY_STEPS = 1e9


@OPTIMIZERS.register_module()
class FusedRMSprop(RMSprop):
    """RMSprop whose step on a CPU is one kernel.

    The plain step reads and writes all parameters five times there, a tenth of
    an iteration of the paper's model with small batches. torch has no fused
    RMSprop, but it is Adam without a first average (``beta1 = 0``) and without
    the correction of its first steps. Its state is RMSprop's, so checkpoints of
    either resume with the other. With momentum, weight decay or another option,
    on a GPU and in torch before 2.4 the step is the plain one.

    Args:
        params: Parameters or groups of them, as for ``torch.optim.RMSprop``.
        **kwargs: As for ``torch.optim.RMSprop``.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Make one step.

        Args:
            closure (Callable, optional): Computes the loss anew.

        Returns:
            Tensor | None: What the closure gives.
        """
        if not all(map(_fusable, self.param_groups)):
            return super().step(closure)
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._step_group(group)
        return loss

    def _step_group(self, group: dict) -> None:
        params = [param for param in group['params'] if param.grad is not None]
        if not params:
            return
        states = [self.state[param] for param in params]
        for param, state in zip(params, states, strict=True):
            if not state:
                state['step'] = torch.zeros(())
                state['square_avg'] = torch.zeros_like(param)
            state['square_avg'] = _laid_out_as(param, state['square_avg'])
        torch._foreach_add_([state['step'] for state in states], 1)
        grads = [_laid_out_as(param, param.grad) for param in params]
        torch._fused_adam_(
            params,
            grads,
            # The first average is the gradient itself.
            grads,
            [state['square_avg'] for state in states],
            [],
            [torch.tensor(_MANY_STEPS)] * len(params),
            lr=float(group['lr']),
            beta1=0.0,
            beta2=group['alpha'],
            weight_decay=0.0,
            eps=group['eps'],
            amsgrad=False,
            maximize=False,
        )


def _fusable(group: dict) -> bool:
    # The kernel would write what these make of the gradient over it.
    others = ('momentum', 'centered', 'weight_decay', 'maximize', 'differentiable')
    return (
        _TORCH_FUSES
        and not any(group.get(name) for name in others)
        and all(
            param.device.type == 'cpu'
            and param.dtype == torch.float32
            and (param.grad is None or not param.grad.is_sparse)
            for param in group['params']
        )
    )


def _laid_out_as(param: Tensor, value: Tensor) -> Tensor:
    """Give a value the order in memory of its parameter: the kernel goes by that."""
    if value.stride() == param.stride():
        return value
    return torch.empty_like(param).copy_(value)
