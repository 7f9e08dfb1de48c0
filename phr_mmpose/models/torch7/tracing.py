"""What a network computes, step by step, to be compared with another's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

# Steps that leave the values as they are.
_SAME = {'float', 'contiguous', 'to', 'clone', 'detach', 'type', 'identity', 'dropout'}
_NAMES = {
    'iadd': 'add',
    'radd': 'add',
    'imul': 'mul',
    'rmul': 'mul',
    'boolean_dispatch': 'max_pool2d',
}
_COMMUTATIVE = {'add', 'mul'}


@dataclass
class Step:
    """One step of a computation.

    Args:
        name (str): What is done, such as ``conv2d``.
        settings (tuple): Its settings that are no tensors, and weights' shapes.
        inputs (tuple[int]): The steps whose results it takes.
        weights (dict[str, Tensor | None]): By their role.
    """

    name: str
    settings: tuple
    inputs: tuple[int, ...]
    weights: dict[str, Tensor | None] = field(default_factory=dict)

    def __str__(self) -> str:
        return ' '.join([self.name, *map(str, self.settings)])


class Trace(TorchFunctionMode):
    """Records the steps of what runs inside it.

    Args:
        inputs (Sequence[Tensor]): What it runs on; they become the first steps.
    """

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        super().__init__()
        self.steps: list[Step] = []
        # The tensors are kept, so that an id stands for one only.
        self._places: dict[int, tuple[Tensor, int]] = {}
        for tensor in inputs:
            self._record(tensor, Step('input', (tensor.shape[1],), ()))

    def place(self, tensor: Tensor) -> int:
        """Return the step that a tensor is the result of."""
        return self._places[id(tensor)][1]

    def users(self, place: int) -> list[Step]:
        """Return the steps that take the result of one."""
        return [step for step in self.steps if place in step.inputs]

    def _record(self, result: Tensor, step: Step) -> None:
        self._places[id(result)] = result, len(self.steps)
        self.steps.append(step)

    def __torch_function__(
        self,
        func: Callable,
        types: Sequence[type],
        args: Sequence = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run a function and record it if its result depends on the inputs."""
        kwargs = dict(kwargs or {})
        result = func(*args, **kwargs)
        if not isinstance(result, Tensor):
            return result
        known = [
            self.place(value)
            for value in tensors_of((args, kwargs))
            if id(value) in self._places
        ]
        if not known:
            return result
        name = getattr(func, '__name__', str(func)).strip('_')
        name = _NAMES.get(name, name)
        if name in _SAME:
            self._places[id(result)] = result, known[0]
            return result
        describe = _STEPS.get(name)
        if describe is None:
            settings, weights = (_plain((args[1:], kwargs)),), {}
        else:
            settings, weights = describe(*args, **kwargs)
        self._record(result, Step(name, settings, tuple(known), weights))
        return result


def keys(
    trace: Trace, names: dict[tuple, int], known: Mapping[int, str] | None = None
) -> list[int]:
    """Name each step by all that leads to it, so that equal names are equal values.

    Args:
        trace (Trace): The steps.
        names (dict[tuple, int]): Names so far; traces that share it compare.
        known (Mapping[int, str], optional): Steps that are taken as given, by
            what to call them.

    Returns:
        list[int]: The name of each step.
    """
    found: list[int] = []
    for place, step in enumerate(trace.steps):
        if known and place in known:
            content: tuple = ('given', known[place])
        else:
            sources = [found[source] for source in step.inputs]
            if step.name in _COMMUTATIVE:
                sources.sort()
            content = (step.name, step.settings, tuple(sources))
        found.append(names.setdefault(content, len(names)))
    return found


def tensors_of(value: Any) -> list[Tensor]:
    """List the tensors in a value.

    Args:
        value: A tensor, or lists, tuples and dicts of values.
    """
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (list, tuple)):
        return [tensor for each in value for tensor in tensors_of(each)]
    return []


def _plain(value: Any) -> Any:
    """Settings as something hashable, without tensors."""
    if isinstance(value, dict):
        return tuple((key, _plain(each)) for key, each in sorted(value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(_plain(each) for each in value if not isinstance(each, Tensor))
    return value if isinstance(value, (int, float, str, bool, type(None))) else ''


def _pair(value: Any) -> tuple:
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


def _conv(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    settings = (*weight.shape, _pair(stride), _pair(padding), _pair(dilation), groups)
    return settings, dict(weight=weight, bias=bias)


def _deconv(x, weight, bias=None, stride=1, padding=0, extra=0, groups=1, dilation=1):
    settings = (
        *weight.shape,
        _pair(stride),
        _pair(padding),
        _pair(extra),
        groups,
        _pair(dilation),
    )
    return settings, dict(weight=weight, bias=bias)


def _norm(
    x, mean, variance, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
):
    weights = dict(running_mean=mean, running_var=variance, weight=weight, bias=bias)
    return (*mean.shape, round(eps, 12), training), weights


def _pool(
    x,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    return_indices=False,
):
    stride = kernel_size if stride is None else stride
    sides = tuple(_pair(each) for each in (kernel_size, stride, padding, dilation))
    return (*sides, ceil_mode), {}


def _cat(tensors, dim=0, **kwargs):
    return (dim % tensors[0].ndim,), {}


_STEPS = {
    'conv2d': _conv,
    'conv_transpose2d': _deconv,
    'batch_norm': _norm,
    'max_pool2d': _pool,
    'relu': lambda x, inplace=False: ((), {}),
    'sigmoid': lambda x: ((), {}),
    'add': lambda *args, **kwargs: ((), {}),
    'mul': lambda *args, **kwargs: (_plain(args), {}),
    'cat': _cat,
}


def trace_call(call: Callable, *shapes: Sequence[int]) -> tuple[Trace, Any]:
    """Record what a call does, without computing it.

    Args:
        call (Callable): Takes tensors of these shapes; its weights must be on the
            device ``meta``.
        *shapes (Sequence[int]): Of the inputs.

    Returns:
        tuple[Trace, Any]: The steps, and what it returned, without values.
    """
    inputs = [torch.empty(*shape, device='meta') for shape in shapes]
    trace = Trace(inputs)
    with torch.no_grad(), trace:
        result = call(*inputs)
    return trace, result
