"""How each of Torch7's modules is described.

The types and arguments of the descriptions are those of :mod:`graph`.
"""

from collections.abc import Callable

import numpy as np
import torch

from phr_mmpose.models.torch7.fields import Fields
from phr_mmpose.models.torch7.nngraph import read_graph

Reader = Callable[[Fields], dict]


def _convolution(module: Fields) -> dict:
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


def _padding(module: Fields) -> list[int]:
    # Old files have one field for both.
    both = module.whole('padding', default=0)
    return module.pair('pad', default=both)


def _full_convolution(module: Fields) -> dict:
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


def _batch_norm(module: Fields) -> dict:
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


def _length(module: Fields, field: str) -> int:
    return module.item[field].size if module.has(field) else 1


def _max_pooling(module: Fields) -> dict:
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


def _average_pooling(module: Fields) -> dict:
    described = _max_pooling(module)
    mode = module.item.get('mode')
    excludes = isinstance(mode, str) and 'EXCLUDE' in mode
    described.update(
        type='AveragePooling',
        counts_padding=not excludes and module.flag('count_include_pad', True),
        sums=not module.flag('divide', True),
    )
    return described


def _threshold(module: Fields) -> dict:
    return dict(
        type='Threshold',
        threshold=module.real('threshold', 1e-6),
        value=module.real('val', 0.0),
    )


def _dropout(module: Fields) -> dict:
    # The second kind scales in training, the first in the test.
    if module.flag('v2'):
        return dict(type='Identity')
    return dict(type='AffineConstant', factor=1 - module.real('p', 0.5), addend=0.0)


def _zero_padding(module: Fields) -> dict:
    sides = [module.index(f'pad_{side}', default=0) for side in 'lrtb']
    return dict(type='ZeroPadding', sides=sides)


def _size(module: Fields) -> list[int]:
    size = module.item.get('size')
    if not isinstance(size, np.ndarray) or size.ndim != 1 or not 0 < size.size < 9:
        raise module.fault('has no size')
    size = [int(side) for side in size]
    if any(side < -1 or side == 0 for side in size) or size.count(-1) > 1:
        raise module.fault(f'size is {size}')
    return size


def _view(module: Fields) -> dict:
    dims = module.item.get('numInputDims')
    return dict(
        type='View',
        size=_size(module),
        input_dims=None if dims is None else module.whole('numInputDims', least=1),
    )


def _reshape(module: Fields) -> dict:
    batch = module.item.get('batchMode')
    return dict(
        type='Reshape',
        size=_size(module),
        is_batch=batch if isinstance(batch, bool) else None,
    )


def _linear(module: Fields) -> dict:
    shape = module.item['weight'].shape if module.has('weight') else ()
    if len(shape) != 2:
        raise module.fault('has no weight of two dimensions')
    module.weight('weight')
    if module.has('bias'):
        module.weight('bias', shape[0])
    return dict(type='Linear', bias=module.has('bias'))


def _prelu(module: Fields) -> dict:
    module.weight('weight', _length(module, 'weight'))
    return dict(type='PReLU')


def _plain(type_name: str) -> Reader:
    return lambda module: dict(type=type_name)


def _container(type_name: str) -> Reader:
    return lambda module: dict(type=type_name, children=module.children())


def _joining(type_name: str) -> Reader:
    def read(module: Fields) -> dict:
        dims = module.item.get('nInputDims')
        return dict(
            type=type_name,
            dimension=module.index('dimension'),
            input_dims=None if dims is None else module.whole('nInputDims'),
        )

    return read


def _map_table(module: Fields) -> dict:
    children = module.children()
    if not children and module.item.get('module') is not None:
        inner = module.item.get('module')
        place = f'{module.place}.module'
        children = [module.describer.add(inner, place, module.depth + 1)]
    # Torch7 keeps a clone for each value; they share their weights.
    return dict(type='MapTable', children=children[:1])


def _first_child(module: Fields) -> dict:
    return dict(type='Sequential', children=module.children()[:1])


# By name, without the package.
READERS: dict[str, Reader] = {
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
    'gModule': read_graph,
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
