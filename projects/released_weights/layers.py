"""Torch7's modules as torch's: one table, from the class to what builds its like.

Only numbers and weights are taken from a file, each checked as it is asked for; a class
that is not in the table ends in one line. In-place operations are not in place here:
they would change nothing but memory in a sound network.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from phr_mmpose.utils.errors import UserError
from projects.released_weights.reader import Table, TorchObject

# Packages whose modules these are; cudnn's are nn's on the GPU.
_PACKAGES = ('nn', 'cudnn', 'cunn', 'inn')
# Fields of a checkpoint of training that hold its network.
_NETWORKS = ('model', 'network', 'net')
# Kernels, channels: more than any network that runs on pictures has.
_LARGEST = 4096
# Modules in modules; far above real networks, far below Python's stack.
_MOST_NESTED = 100
# A shared module runs wherever it is used: small files could ask for endless runs.
_MOST_CALLS = 100_000
# Weights are copied out of shared memory this often at the most.
_MOST_SHARED = 16


def build_network(value: Any, source: str) -> nn.Module:
    """Build the network that a Torch7 file holds.

    Args:
        value: What :func:`reader.load` gave: a module, or a table with one as
            ``model``, ``network`` or ``net``.
        source (str): Named in errors.

    Returns:
        nn.Module: In evaluation mode, float32, on the CPU.

    Raises:
        UserError: If there is no network in it, or one with a module that is not known
            here or is faulty; the line says where in it.
    """
    if isinstance(value, Table):
        value = next((value[key] for key in _NETWORKS if key in value), value)
    if not isinstance(value, TorchObject):
        raise UserError(
            f'{source}: holds no network but a {type(value).__name__}; give a file of '
            'an nn module'
        )
    return _Builder(source).build(value, 'the network', 0)[0].eval()


class _Builder:
    """Builds each module once, wherever it is used."""

    def __init__(self, source: str) -> None:
        self.source = source
        # Module and how often it runs what is in it; None while it is being built.
        self.built: dict[int, tuple[nn.Module, int] | None] = {}
        self.used: dict[int, int] = {}

    def build(self, item: Any, place: str, depth: int) -> tuple[nn.Module, int]:
        """Build a module; also count the calls that one of it makes."""
        if not isinstance(item, TorchObject):
            raise self.fault(place, f'a {type(item).__name__} in place of a module')
        if id(item) in self.built:
            if self.built[id(item)] is None:
                raise self.fault(place, 'holds itself')
            return self.built[id(item)]
        if depth > _MOST_NESTED:
            raise self.fault(place, f'modules nest deeper than {_MOST_NESTED}')
        package, _, name = item.typename.partition('.')
        if package not in _PACKAGES or name not in LAYERS:
            shown = ''.join(c if c.isprintable() else '?' for c in item.typename[:80])
            raise self.fault(
                place, f'module {shown} is not known; README.md lists those that are'
            )
        self.built[id(item)] = None
        fields = Fields(self, item, place, depth)
        module = LAYERS[name](fields)
        if fields.calls > _MOST_CALLS:
            raise self.fault(place, f'its modules run more than {_MOST_CALLS} times')
        self.built[id(item)] = module, fields.calls
        return self.built[id(item)]

    def fault(self, place: str, what: str) -> UserError:
        """Say what is wrong at a place."""
        return UserError(f'{self.source}: {place}: {what}')


class Fields:
    """The fields of a module.

    Each method raises a :class:`UserError` that names the module, its place and the
    field, where there is no such value or it is out of range.

    Args:
        builder (_Builder): Builds the modules within.
        item (TorchObject): The module.
        place (str): Where it is in the network.
        depth (int): How many modules it is within.
    """

    def __init__(
        self, builder: _Builder, item: TorchObject, place: str, depth: int
    ) -> None:
        self.builder, self.item, self.place, self.depth = builder, item, place, depth
        self.calls = 1

    def fault(self, what: str) -> UserError:
        """Say what is wrong with the module."""
        return self.builder.fault(f'{self.place} ({self.item.typename})', what)

    def whole(self, name: str, default: int | None = None, least: int = 0) -> int:
        """A whole number."""
        value = self.item.get(name)
        if value is None and default is not None:
            return default
        if type(value) is not int or not least <= value <= _LARGEST:
            raise self.fault(f'{name} is {_shown(value)}')
        return value

    def real(self, name: str, default: float | None = None) -> float:
        """A finite number."""
        value = self.item.get(name)
        value = default if value is None else value
        if type(value) not in (int, float) or not math.isfinite(value):
            raise self.fault(f'{name} is {_shown(value)}')
        return float(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false."""
        value = self.item.get(name)
        return default if value is None else value is True

    def pair(self, stem: str, default: int | None = None, least: int = 0) -> list[int]:
        """Two fields by height and width: ``[dH, dW]`` of ``'d'``."""
        return [self.whole(f'{stem}{side}', default, least) for side in 'HW']

    def has(self, name: str) -> bool:
        """Whether there is such a tensor, with elements."""
        value = self.item.get(name)
        return isinstance(value, np.ndarray) and value.size > 0

    def weight(self, name: str, *shape: int) -> Tensor:
        """A copy of a tensor in a shape (by default one-dimensional), float32."""
        if not self.has(name):
            raise self.fault(f'has no {name}')
        value = self.item.get(name)
        # An expanded tensor would take more memory than the file has.
        if not value.flags.writeable:
            raise self.fault(f'{name} is an expanded tensor')
        shape = shape or (value.size,)
        if math.prod(shape) != value.size:
            raise self.fault(
                f'{name} has {value.size} elements, not {"x".join(map(str, shape))}'
            )
        memory = value
        while getattr(memory, 'base', None) is not None:
            memory = memory.base
        used = self.builder.used.get(id(memory), 0) + value.nbytes
        self.builder.used[id(memory)] = used
        if used > _MOST_SHARED * memory.nbytes:
            raise self.fault('its weights share the memory of too many others')
        return torch.from_numpy(np.array(value, np.float32, order='C').reshape(shape))

    def inner(self, item: Any, where: str) -> nn.Module:
        """Build a module within this one."""
        place = f'{self.place}.{where}' if self.depth else where
        module, calls = self.builder.build(item, place, self.depth + 1)
        self.calls += calls
        return module

    def children(self) -> list[nn.Module]:
        """Build the modules of a container."""
        modules = self.item.get('modules')
        modules = modules.as_list() if isinstance(modules, Table) else None
        if modules is None:
            raise self.fault('modules is no list')
        return [
            self.inner(module, f'modules[{number}]')
            for number, module in enumerate(modules, 1)
        ]


def _shown(value: Any) -> str:
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)[:30]
    return f'a {type(value).__name__}'


# Containers and what works on tables, which are lists here.


class _ConcatTable(nn.ModuleList):
    """Each on the same value, to a table."""

    def forward(self, value: Any) -> list:
        return [module(value) for module in self]


class _ParallelTable(nn.ModuleList):
    """The i-th on the i-th value of a table."""

    def forward(self, values: list) -> list:
        return [module(value) for module, value in zip(self, values, strict=False)]


class _Apply(nn.Module):
    """A function of the value, with settings.

    Args:
        function (Callable): Called with the value and ``settings``.
        **settings: Its other arguments.
    """

    def __init__(self, function: Callable, **settings: Any) -> None:
        super().__init__()
        self.function, self.settings = function, settings

    def forward(self, value: Any) -> Any:
        return self.function(value, **self.settings)


def _join(values: list[Tensor], dimension: int, sample: int = 0) -> Tensor:
    return torch.cat(values, _axis(dimension, values[0], sample))


def _narrow(value: Tensor, dimension: int, index: int, length: int) -> Tensor:
    axis = _axis(dimension, value)
    start = index - 1 if index > 0 else value.shape[axis] + index
    if length < 0:
        length += value.shape[axis] - start + 1
    return value.narrow(axis, start, length)


def _axis(dimension: int, value: Tensor, sample: int = 0) -> int:
    """Turn Torch7's dimension, from 1, into torch's.

    With ``sample``, the dimensions that a sample has, values of one more are a batch,
    whose samples the dimension is of.
    """
    if dimension < 0:
        return value.ndim + dimension
    return dimension if sample and value.ndim == sample + 1 else dimension - 1


def _product(values: list[Tensor]) -> Tensor:
    return math.prod(values[1:], start=values[0])


def _upsample_bilinear(value: Tensor, scale: int) -> Tensor:
    # Corners on corners.
    size = [(side - 1) * (scale - 1) + side for side in value.shape[-2:]]
    return F.interpolate(value, size=size, mode='bilinear', align_corners=True)


class _Graph(nn.Module):
    """``nn.gModule`` of nngraph: modules on the edges of a graph.

    Args:
        modules (Sequence[nn.Module]): In the order in which they run.
        inputs (Sequence[Sequence[int]]): The earlier ones whose values each takes;
            none: the graph's input.
        selects (Sequence[int]): Which place of its table, from 1, each takes; 0: all.
        last (int): The one whose value is put out.
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        inputs: Sequence[Sequence[int]],
        selects: Sequence[int],
        last: int,
    ) -> None:
        super().__init__()
        self.nodes = nn.ModuleList(modules)
        self.inputs, self.selects, self.last = inputs, selects, last

    def forward(self, value: Any) -> Any:
        values: list[Any] = []
        for node, inputs, select in zip(
            self.nodes, self.inputs, self.selects, strict=True
        ):
            given = [values[source] for source in inputs] or [value]
            given = given[0] if len(given) == 1 else given
            values.append(node(given[select - 1] if select else given))
        return values[self.last]


def _graph(module: Fields) -> nn.Module:
    """Build a graph.

    A node's ``children`` are its readers; which of a reader's inputs it is stands in
    the reader's ``mapindex``, by the node's ``data``.
    """
    nodes, out = module.item.get('forwardnodes'), module.item.get('outnode')
    nodes = nodes.as_list() if isinstance(nodes, Table) else None
    if not nodes or not isinstance(out, TorchObject):
        raise module.fault('has no forwardnodes or outnode')
    data = [_node_data(module, node) for node in nodes]
    numbers = {id(content): number for number, content in enumerate(data)}
    slots: list[dict[int, int]] = [{} for _ in nodes]
    for number, (node, content) in enumerate(zip(nodes, data, strict=True)):
        readers = node.get('children')
        readers = readers if isinstance(readers, Table) else {}
        # Kept twice: by their place, and as keys.
        for child in (readers[key] for key in readers if isinstance(key, int)):
            target = _node_data(module, child)
            reader, places = numbers.get(id(target)), target.get('mapindex')
            slot = places.get(content) if isinstance(places, Table) else None
            if reader is None or reader <= number or type(slot) is not int:
                raise module.fault(f'forwardnodes[{number + 1}] leads nowhere')
            slots[reader][slot] = number
    modules, inputs, selects = [], [], []
    for number, (content, found) in enumerate(zip(data, slots, strict=True)):
        if sorted(found) != list(range(1, len(found) + 1)) or (number and not found):
            raise module.fault(f'forwardnodes[{number + 1}] lacks an input')
        inputs.append([found[slot] for slot in sorted(found)])
        select = content.get('selectindex', 0)
        if type(select) is not int or select < 0:
            raise module.fault(f'selectindex is {_shown(select)}')
        selects.append(select)
        where = f'forwardnodes[{number + 1}].data.module'
        inner = content.get('module')
        modules.append(nn.Identity() if inner is None else module.inner(inner, where))
    last = numbers.get(id(_node_data(module, out)))
    if last is None:
        raise module.fault('its outnode is not among forwardnodes')
    return _Graph(modules, inputs, selects, last)


def _node_data(module: Fields, node: Any) -> Table:
    data = node.get('data') if isinstance(node, TorchObject) else None
    if not isinstance(data, Table):
        raise module.fault('has a node without data')
    return data


# Layers with weights.


def _planes(module: Fields, groups: int) -> tuple[int, int]:
    inputs = module.whole('nInputPlane', least=1)
    outputs = module.whole('nOutputPlane', least=1)
    if inputs % groups or outputs % groups:
        raise module.fault(f'{groups} groups of {inputs} and {outputs} planes')
    return inputs, outputs


def _weigh(layer: nn.Module, **weights: Tensor) -> nn.Module:
    """Give a layer that was made without memory its weights."""
    layer.load_state_dict(weights, strict=False, assign=True)
    return layer


def _convolution(module: Fields, transposed: bool = False) -> nn.Module:
    groups = module.whole('groups', 1, least=1)
    inputs, outputs = _planes(module, groups)
    kernel = module.pair('k', least=1)
    first, second = (inputs, outputs) if transposed else (outputs, inputs)
    weights = {'weight': module.weight('weight', first, second // groups, *kernel)}
    if module.has('bias'):
        weights['bias'] = module.weight('bias', outputs)
    options = dict(
        kernel_size=kernel,
        stride=module.pair('d', 1, least=1),
        # Old files have one field for both sides.
        padding=module.pair('pad', module.whole('padding', 0)),
        groups=groups,
        bias=module.has('bias'),
        device='meta',
    )
    if not transposed:
        options['dilation'] = module.pair('dilation', 1, least=1)
        return _weigh(nn.Conv2d(inputs, outputs, **options), **weights)
    options['output_padding'] = module.pair('adj', 0)
    if any(
        more >= step
        for more, step in zip(options['output_padding'], options['stride'], strict=True)
    ):
        raise module.fault('adj is not below the stride')
    return _weigh(nn.ConvTranspose2d(inputs, outputs, **options), **weights)


def _batch_norm(module: Fields) -> nn.Module:
    mean = module.weight('running_mean')
    planes, eps = len(mean), module.real('eps', 1e-5)
    if eps < 0:
        raise module.fault(f'eps is {eps}')
    if module.has('running_var'):
        variance = module.weight('running_var', planes)
    else:
        # Before version 2: 1 / sqrt(variance + eps).
        spread = module.weight('running_std', planes).double()
        variance = (spread**-2 - eps).float()
    weights = dict(running_mean=mean, running_var=variance)
    if module.has('weight'):
        weights['weight'] = module.weight('weight', planes)
        weights['bias'] = (
            module.weight('bias', planes) if module.has('bias') else torch.zeros(planes)
        )
    layer = nn.BatchNorm2d(planes, eps, affine=module.has('weight'), device='meta')
    return _weigh(layer, num_batches_tracked=torch.tensor(0), **weights)


# The rest.


def _pooling(module: Fields) -> dict:
    kernel, padding = module.pair('k', least=1), module.pair('pad', 0)
    if any(2 * pad > side for pad, side in zip(padding, kernel, strict=True)):
        raise module.fault(f'pads {padding} exceed half the kernel {kernel}')
    return dict(
        kernel_size=kernel,
        stride=module.pair('d', 1, least=1),
        padding=padding,
        ceil_mode=module.flag('ceil_mode'),
    )


def _average_pooling(module: Fields) -> nn.Module:
    mode = module.item.get('mode')
    excludes = isinstance(mode, str) and 'EXCLUDE' in mode
    return nn.AvgPool2d(
        **_pooling(module),
        count_include_pad=not excludes and module.flag('count_include_pad', True),
        divisor_override=None if module.flag('divide', True) else 1,
    )


def _dropout(module: Fields) -> nn.Module:
    # The second kind scales in training, the first in the test.
    if module.flag('v2'):
        return nn.Identity()
    return _Apply(torch.mul, other=1 - module.real('p', 0.5))


def _index(module: Fields, name: str, default: int | None = None) -> int:
    return module.whole(name, default, least=-_LARGEST)


def _select(module: Fields) -> nn.Module:
    index = _index(module, 'index')
    place = index - 1 if index > 0 else index
    return _Apply(lambda values, place: values[place], place=place)


def _join_table(module: Fields) -> nn.Module:
    sample = module.whole('nInputDims', 0)
    return _Apply(_join, dimension=_index(module, 'dimension'), sample=sample)


def _concat(module: Fields) -> nn.Module:
    join = _Apply(_join, dimension=_index(module, 'dimension'))
    return nn.Sequential(_ConcatTable(module.children()), join)


def _narrowing(module: Fields) -> nn.Module:
    return _Apply(
        _narrow,
        dimension=_index(module, 'dimension'),
        index=_index(module, 'index'),
        length=_index(module, 'length', 1),
    )


# By name, without the package.
LAYERS: dict[str, Callable[[Fields], nn.Module]] = {
    'Sequential': lambda module: nn.Sequential(*module.children()),
    'ConcatTable': lambda module: _ConcatTable(module.children()),
    'ParallelTable': lambda module: _ParallelTable(module.children()),
    'Concat': _concat,
    # The copies of a network on several GPUs: the first.
    'DataParallelTable': lambda module: nn.Sequential(*module.children()[:1]),
    'gModule': _graph,
    'CAddTable': lambda module: _Apply(lambda values: sum(values[1:], values[0])),
    'CMulTable': lambda module: _Apply(_product),
    'JoinTable': _join_table,
    'SelectTable': _select,
    'SpatialConvolution': _convolution,
    'SpatialConvolutionMM': _convolution,
    'SpatialDilatedConvolution': _convolution,
    'SpatialFullConvolution': lambda module: _convolution(module, transposed=True),
    'SpatialBatchNormalization': _batch_norm,
    'ReLU': lambda module: nn.ReLU(),
    'Sigmoid': lambda module: nn.Sigmoid(),
    'MulConstant': lambda module: _Apply(
        torch.mul, other=module.real('constant_scalar')
    ),
    'Dropout': _dropout,
    'SpatialDropout': _dropout,
    'SpatialMaxPooling': lambda module: nn.MaxPool2d(**_pooling(module)),
    'SpatialAveragePooling': _average_pooling,
    'SpatialUpSamplingNearest': lambda module: nn.UpsamplingNearest2d(
        scale_factor=module.whole('scale_factor', least=1)
    ),
    'SpatialUpSamplingBilinear': lambda module: _Apply(
        _upsample_bilinear, scale=module.whole('scale_factor', least=1)
    ),
    'SpatialZeroPadding': lambda module: nn.ZeroPad2d(
        [_index(module, f'pad_{side}', 0) for side in 'lrtb']
    ),
    'Narrow': _narrowing,
    'Identity': lambda module: nn.Identity(),
    'Copy': lambda module: nn.Identity(),
    'Contiguous': lambda module: nn.Identity(),
}
