"""From Torch7's objects to a description in plain data, and weights.

The description is what a checkpoint can carry and a reader can trust: a list of
modules, each a dict of ``type`` and numbers, that refer to earlier ones by number;
nothing in it names code. Weights are tensors beside it, named
``layers.NUMBER.weight`` and so on, as :class:`Torch7Graph` has them.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from phr_mmpose.models.torch7.limits import MOST_NESTED, check_calls
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.torch7 import TorchObject

# Packages whose modules these are; cudnn's are nn's on the GPU.
_PACKAGES = ('nn', 'cudnn', 'cunn', 'inn')
# Fields of a checkpoint of training that hold its network.
_NETWORKS = ('model', 'network', 'net')
# Weights are copied out of shared memory this often at the most.
_MOST_SHARED = 16
# More than any network that runs on pictures has, and no memory to speak of.
_LARGEST = 4096


def describe(value: Any, source: str) -> tuple[dict, dict[str, Tensor]]:
    """Describe the network that a Torch7 file holds.

    Args:
        value: What :func:`phr_mmpose.utils.torch7.load` gave: a module, or a
            table with one as ``model``, ``network`` or ``net``.
        source (str): Named in errors.

    Returns:
        tuple[dict, dict[str, Tensor]]: The description, with ``modules`` and the
        number of the outermost, ``root``; float32 weights.

    Raises:
        UserError: If there is no network in it, or one with a module that is
            not known here or is faulty; the line says where in it.
    """
    if isinstance(value, dict):
        value = next((value[key] for key in _NETWORKS if key in value), value)
    if not isinstance(value, TorchObject):
        raise UserError(
            f'{source}: holds no network but a {type(value).__name__}; give a file '
            'of an nn module'
        )
    describer = _Describer(source)
    root = describer.add(value, 'the network', 0)
    description = dict(modules=describer.modules, root=root)
    try:
        check_calls(describer.modules)
    except ValueError as error:
        raise UserError(f'{source}: {error}') from None
    return description, describer.weights


def known_modules() -> list[str]:
    """List the modules that :func:`describe` knows, without their package."""
    return sorted(_READERS)


class _Describer:
    """Describes each module once, wherever it is used."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.modules: list[dict] = []
        self.weights: dict[str, Tensor] = {}
        self._numbers: dict[int, int | None] = {}
        self._used: dict[int, int] = {}

    def add(self, item: Any, place: str, depth: int) -> int:
        """Describe a module and what it holds; return its number."""
        if not isinstance(item, TorchObject):
            raise self.fault(place, f'a {type(item).__name__} in place of a module')
        if id(item) in self._numbers:
            number = self._numbers[id(item)]
            if number is None:
                raise self.fault(place, f'{item.typename} holds itself')
            return number
        if depth > MOST_NESTED:
            raise self.fault(place, f'modules nest deeper than {MOST_NESTED}')
        package, _, name = item.typename.partition('.')
        read = _READERS.get(name) if package in _PACKAGES else None
        if read is None:
            raise self.fault(
                place,
                f'module {item.typename} is not known; docs/released.md lists those '
                'that are',
            )
        self._numbers[id(item)] = None
        module = _Module(self, item, place, depth)
        described = read(module)
        number = len(self.modules)
        self.modules.append(described)
        for key, array in module.arrays.items():
            self.weights[f'layers.{number}.{key}'] = array
        self._numbers[id(item)] = number
        return number

    def account(self, array: np.ndarray, module: '_Module') -> None:
        """Refuse weights that are laid over each other again and again."""
        memory = array
        while getattr(memory, 'base', None) is not None:
            memory = memory.base
        used = self._used.get(id(memory), 0) + array.nbytes
        self._used[id(memory)] = used
        if used > _MOST_SHARED * memory.nbytes:
            raise module.fault('its weights share the memory of too many others')

    def fault(self, place: str, what: str) -> UserError:
        return UserError(f'{self.source}: {place}: {what}')


class _Module:
    """A Torch7 module's fields, checked as they are asked for."""

    def __init__(
        self, describer: _Describer, item: TorchObject, place: str, depth: int
    ) -> None:
        self.describer = describer
        self.item = item
        self.place = place
        self.depth = depth
        self.arrays: dict[str, Tensor] = {}

    def fault(self, what: str) -> UserError:
        return self.describer.fault(f'{self.place} ({self.item.typename})', what)

    def whole(
        self, *names: str, default: int | None = None, least: int = 0
    ) -> int | None:
        """The first of these fields that there is, a whole number."""
        for name in names:
            value = self.item.get(name)
            if value is None:
                continue
            fits = isinstance(value, int) and not isinstance(value, bool)
            if not fits or not least <= value <= _LARGEST:
                raise self.fault(f'{name} is {_shown(value)}')
            return value
        if default is None:
            raise self.fault(f'has no {names[0]}')
        return default

    def index(self, name: str, default: int | None = None) -> int:
        return self.whole(name, default=default, least=-_LARGEST)

    def real(self, name: str, default: float | None = None) -> float:
        value = self.item.get(name, default)
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not fits or not math.isfinite(value):
            raise self.fault(f'{name} is {_shown(value)}')
        return float(value)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.item.get(name)
        return default if value is None else value is True

    def pair(self, *stems: str, default: int | None = None, least: int = 0) -> list:
        """Two fields by height and width: ``[dH, dW]`` of ``'d'``."""
        return [
            self.whole(
                *(f'{stem}{side}' for stem in stems for side in sides),
                default=default,
                least=least,
            )
            for sides in (('H', '_h'), ('W', '_w'))
        ]

    def has(self, name: str) -> bool:
        value = self.item.get(name)
        return isinstance(value, np.ndarray) and value.size > 0

    def weight(self, name: str, *shape: int, field: str | None = None) -> list[int]:
        """Keep a weight, in a shape where one is given; return the shape."""
        field = field or name
        value = self.item.get(field)
        if not isinstance(value, np.ndarray) or not value.size:
            raise self.fault(f'has no {field}')
        # An expanded tensor would take more memory than the file has.
        if not value.flags.writeable:
            raise self.fault(f'{field} is an expanded tensor')
        shape = shape or value.shape
        if math.prod(shape) != value.size:
            raise self.fault(
                f'{field} has {value.size} elements, not {"x".join(map(str, shape))}'
            )
        self.describer.account(value, self)
        array = np.array(value, dtype=np.float32, order='C').reshape(shape)
        self.arrays[name] = torch.from_numpy(array)
        return list(shape)

    def children(self) -> list[int]:
        modules = self.item.get('modules')
        if modules is None or modules == {}:
            return []
        if not isinstance(modules, list):
            raise self.fault('modules is no list')
        outer = '' if self.depth == 0 else f'{self.place}.'
        return [
            self.describer.add(module, f'{outer}modules[{number}]', self.depth + 1)
            for number, module in enumerate(modules, 1)
        ]


def _shown(value: Any) -> str:
    """A value of a file, short enough for a line."""
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)[:30]
    return f'a {type(value).__name__}'


def _convolution(module: _Module) -> dict:
    kernel = module.pair('k', least=1)
    groups = module.whole('groups', default=1, least=1)
    inputs = module.whole('nInputPlane', least=1)
    outputs = module.whole('nOutputPlane', least=1)
    if inputs % groups or outputs % groups:
        raise module.fault(f'{groups} groups of {inputs} and {outputs} planes')
    module.weight('weight', outputs, inputs // groups, *kernel)
    if module.has('bias'):
        module.weight('bias', outputs)
    return dict(
        type='Convolution',
        bias=module.has('bias'),
        stride=module.pair('d', default=1, least=1),
        padding=_padding(module),
        dilation=module.pair('dilation', default=1, least=1),
        groups=groups,
    )


def _padding(module: _Module) -> list[int]:
    # Old files have one field for both.
    both = module.whole('padding', default=0)
    return module.pair('pad', default=both)


def _full_convolution(module: _Module) -> dict:
    kernel = module.pair('k', least=1)
    inputs = module.whole('nInputPlane', least=1)
    outputs = module.whole('nOutputPlane', least=1)
    groups = module.whole('groups', default=1, least=1)
    if inputs % groups or outputs % groups:
        raise module.fault(f'{groups} groups of {inputs} and {outputs} planes')
    module.weight('weight', inputs, outputs // groups, *kernel)
    if module.has('bias'):
        module.weight('bias', outputs)
    stride = module.pair('d', default=1, least=1)
    extra = module.pair('adj', default=0)
    if any(more >= step for more, step in zip(extra, stride, strict=True)):
        raise module.fault(f'adj {extra} is not below the stride {stride}')
    return dict(
        type='FullConvolution',
        bias=module.has('bias'),
        stride=stride,
        padding=_padding(module),
        extra=extra,
        groups=groups,
    )


def _batch_norm(module: _Module) -> dict:
    (planes,) = module.weight('running_mean', _length(module, 'running_mean'))
    eps = module.real('eps', 1e-5)
    if eps < 0:
        raise module.fault(f'eps is {eps}')
    if module.has('running_var'):
        module.weight('running_var', planes)
    else:
        # Before version 2: 1 / sqrt(variance + eps).
        module.weight('running_var', planes, field='running_std')
        spread = module.arrays['running_var'].double()
        module.arrays['running_var'] = (spread**-2 - eps).float()
    affine = module.has('weight')
    if affine:
        module.weight('weight', planes)
        if module.has('bias'):
            module.weight('bias', planes)
        else:
            module.arrays['bias'] = torch.zeros(planes)
    return dict(type='BatchNorm', eps=eps, affine=affine)


def _length(module: _Module, field: str) -> int:
    return module.item[field].size if module.has(field) else 1


def _max_pooling(module: _Module) -> dict:
    kernel = module.pair('k', least=1)
    padding = module.pair('pad', default=0)
    if any(2 * pad > side for pad, side in zip(padding, kernel, strict=True)):
        raise module.fault(f'pads {padding} exceed half the kernel {kernel}')
    return dict(
        type='MaxPooling',
        kernel=kernel,
        stride=module.pair('d', default=1, least=1),
        padding=padding,
        ceil=module.flag('ceil_mode'),
    )


def _average_pooling(module: _Module) -> dict:
    described = _max_pooling(module)
    mode = module.item.get('mode')
    excludes = isinstance(mode, str) and 'EXCLUDE' in mode
    described.update(
        type='AveragePooling',
        counts_padding=not excludes and module.flag('count_include_pad', True),
        sums=not module.flag('divide', True),
    )
    return described


def _threshold(module: _Module) -> dict:
    return dict(
        type='Threshold',
        threshold=module.real('threshold', 1e-6),
        value=module.real('val', 0.0),
    )


def _dropout(module: _Module) -> dict:
    # The second kind scales in training, the first in the test.
    if module.flag('v2'):
        return dict(type='Identity')
    return dict(type='AffineConstant', factor=1 - module.real('p', 0.5), addend=0.0)


def _zero_padding(module: _Module) -> dict:
    sides = [module.index(f'pad_{side}', default=0) for side in 'lrtb']
    return dict(type='ZeroPadding', sides=sides)


def _size(module: _Module) -> list[int]:
    size = module.item.get('size')
    if not isinstance(size, np.ndarray) or size.ndim != 1 or not 0 < size.size < 9:
        raise module.fault('has no size')
    size = [int(side) for side in size]
    if any(side < -1 or side == 0 for side in size) or size.count(-1) > 1:
        raise module.fault(f'size is {size}')
    return size


def _view(module: _Module) -> dict:
    dims = module.item.get('numInputDims')
    return dict(
        type='View',
        size=_size(module),
        input_dims=None if dims is None else module.whole('numInputDims', least=1),
    )


def _reshape(module: _Module) -> dict:
    batch = module.item.get('batchMode')
    return dict(
        type='Reshape',
        size=_size(module),
        is_batch=batch if isinstance(batch, bool) else None,
    )


def _linear(module: _Module) -> dict:
    shape = module.item['weight'].shape if module.has('weight') else ()
    if len(shape) != 2:
        raise module.fault('has no weight of two dimensions')
    module.weight('weight')
    if module.has('bias'):
        module.weight('bias', shape[0])
    return dict(type='Linear', bias=module.has('bias'))


def _prelu(module: _Module) -> dict:
    module.weight('weight', _length(module, 'weight'))
    return dict(type='PReLU')


def _graph(module: _Module) -> dict:
    """Describe an nngraph: which node's value goes where is in ``mapindex``.

    A node's ``mapindex`` gives, for the ``data`` of each node that it reads, the
    place of that value in its table of inputs.
    """
    nodes = module.item.get('forwardnodes')
    out = module.item.get('outnode')
    if not isinstance(nodes, list) or not isinstance(out, TorchObject):
        raise module.fault('has no forwardnodes or outnode')
    numbers: dict[int, int] = {}
    inputs: list[dict[int, int]] = [{} for _ in nodes]
    data = [_node_data(module, node) for node in nodes]
    for number, content in enumerate(data):
        numbers[id(content)] = number
    for number, (node, content) in enumerate(zip(nodes, data, strict=True)):
        for child in _node_children(module, node):
            target = _node_data(module, child)
            reader = numbers.get(id(target))
            slots = target.get('mapindex')
            # Without any, the table of slots is the empty dict or a list.
            slot = slots.get(content) if isinstance(slots, dict) else None
            if reader is None or not isinstance(slot, int) or slot < 1:
                raise module.fault(f'forwardnodes[{number + 1}] leads nowhere')
            if reader <= number or slot in inputs[reader]:
                raise module.fault(f'forwardnodes[{reader + 1}] runs before its input')
            inputs[reader][slot] = number
    described = []
    for number, content in enumerate(data):
        places = sorted(inputs[number])
        if places != list(range(1, len(places) + 1)):
            raise module.fault(f'forwardnodes[{number + 1}] lacks an input')
        sources = [inputs[number][place] for place in places]
        if not sources:
            if number:
                raise module.fault(f'forwardnodes[{number + 1}] has no input')
            sources = [-1]
        select = content.get('selectindex')
        if select is not None and not (isinstance(select, int) and select > 0):
            raise module.fault(f'selectindex is {_shown(select)}')
        inner = content.get('module')
        place = f'forwardnodes[{number + 1}].data.module'
        if module.depth:
            place = f'{module.place}.{place}'
        described.append(
            dict(
                module=None
                if inner is None
                else module.describer.add(inner, place, module.depth + 1),
                inputs=sources,
                select=select,
            )
        )
    last = numbers.get(id(_node_data(module, out)))
    if last is None:
        raise module.fault('its outnode is not among forwardnodes')
    return dict(type='GraphModule', nodes=described, outputs=[last])


def _node_data(module: _Module, node: Any) -> dict:
    data = node.get('data') if isinstance(node, TorchObject) else None
    if not isinstance(data, dict):
        raise module.fault('has a node without data')
    return data


def _node_children(module: _Module, node: TorchObject) -> list:
    """The nodes that read a node: its children 1, 2, …, kept with their places."""
    children = node.get('children')
    if isinstance(children, list):
        return children
    if not isinstance(children, dict):
        return []
    found = []
    while len(found) + 1 in children:
        found.append(children[len(found) + 1])
    return found


def _plain(type_name: str) -> Callable[[_Module], dict]:
    return lambda module: dict(type=type_name)


def _container(type_name: str) -> Callable[[_Module], dict]:
    return lambda module: dict(type=type_name, children=module.children())


def _joining(type_name: str) -> Callable[[_Module], dict]:
    def read(module: _Module) -> dict:
        dims = module.item.get('nInputDims')
        return dict(
            type=type_name,
            dimension=module.index('dimension'),
            input_dims=None if dims is None else module.whole('nInputDims'),
        )

    return read


def _map_table(module: _Module) -> dict:
    children = module.children()
    if not children and module.item.get('module') is not None:
        inner = module.item.get('module')
        place = f'{module.place}.module'
        children = [module.describer.add(inner, place, module.depth + 1)]
    # Torch7 keeps a clone for each value; they share their weights.
    return dict(type='MapTable', children=children[:1])


def _first_child(module: _Module) -> dict:
    return dict(type='Sequential', children=module.children()[:1])


_READERS: dict[str, Callable[[_Module], dict]] = {
    'Sequential': _container('Sequential'),
    'ConcatTable': _container('ConcatTable'),
    'ParallelTable': _container('ParallelTable'),
    'MapTable': _map_table,
    'Concat': lambda module: dict(
        type='Concat',
        children=module.children(),
        dimension=module.index('dimension'),
    ),
    # The copies of a network on several GPUs.
    'DataParallelTable': _first_child,
    'gModule': _graph,
    'CAddTable': _plain('SumTable'),
    'CSubTable': _plain('DifferenceTable'),
    'CMulTable': _plain('ProductTable'),
    'CMaxTable': _plain('MaxTable'),
    'JoinTable': _joining('JoinTable'),
    'SplitTable': _joining('SplitTable'),
    'SelectTable': lambda module: dict(type='SelectTable', index=module.index('index')),
    'NarrowTable': lambda module: dict(
        type='NarrowTable',
        offset=module.whole('offset', least=1),
        length=module.whole('length', default=1, least=1),
    ),
    'FlattenTable': _plain('FlattenTable'),
    'Narrow': lambda module: dict(
        type='Narrow',
        dimension=module.index('dimension'),
        index=module.index('index'),
        length=module.index('length', default=1),
    ),
    'Identity': _plain('Identity'),
    'Copy': _plain('Identity'),
    'Contiguous': _plain('Identity'),
    'View': _view,
    'Reshape': _reshape,
    'Linear': _linear,
    'SpatialConvolution': _convolution,
    'SpatialConvolutionMM': _convolution,
    'SpatialDilatedConvolution': _convolution,
    'SpatialFullConvolution': _full_convolution,
    'SpatialBatchNormalization': _batch_norm,
    'BatchNormalization': _batch_norm,
    'ReLU': _plain('ReLU'),
    'ReLU6': _plain('ReLU6'),
    'Threshold': _threshold,
    'LeakyReLU': lambda module: dict(
        type='LeakyReLU', slope=module.real('negval', 0.01)
    ),
    'PReLU': _prelu,
    'ELU': lambda module: dict(type='ELU', alpha=module.real('alpha', 1.0)),
    'Sigmoid': _plain('Sigmoid'),
    'Tanh': _plain('Tanh'),
    'SpatialSoftMax': _plain('SpatialSoftMax'),
    'SpatialMaxPooling': _max_pooling,
    'SpatialAveragePooling': _average_pooling,
    'SpatialUpSamplingNearest': lambda module: dict(
        type='NearestUpSampling', scale=module.whole('scale_factor', least=1)
    ),
    'SpatialUpSamplingBilinear': lambda module: dict(
        type='BilinearUpSampling', scale=module.whole('scale_factor', least=1)
    ),
    'SpatialZeroPadding': _zero_padding,
    'Dropout': _dropout,
    'SpatialDropout': _dropout,
    'MulConstant': lambda module: dict(
        type='AffineConstant', factor=module.real('constant_scalar'), addend=0.0
    ),
    'AddConstant': lambda module: dict(
        type='AffineConstant', factor=1.0, addend=module.real('constant_scalar')
    ),
}
