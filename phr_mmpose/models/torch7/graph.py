"""A network from its description (see :mod:`description`) and its weights."""

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from phr_mmpose.models.torch7 import layers
from phr_mmpose.models.torch7.limits import check_calls
from phr_mmpose.utils.errors import UserError

DESCRIPTION = 'description'


class Torch7Graph(nn.Module):
    """A converted network, made from what a checkpoint says of it.

    Its modules are one list, in which containers name theirs by number, since
    Torch7's networks may use a module in several places. It keeps the description
    as a buffer, so that its state dict tells all there is to know.

    In-place operations of the original are not in place here: they would change
    nothing but memory in a sound network.

    Args:
        state (Mapping[str, Tensor]): Its state dict; weights' shapes are taken
            from there, their values too.

    Raises:
        UserError: If the description is faulty or the weights do not fit it.
    """

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        description = _decode(state.get(DESCRIPTION))
        self.register_buffer(DESCRIPTION, encode(description))
        self.root = description['root']
        built = []
        for number, module in enumerate(description['modules']):
            prefix = f'layers.{number}.'
            weights = {
                key.removeprefix(prefix): value
                for key, value in state.items()
                if key.startswith(prefix)
            }
            try:
                with torch.device('meta'):
                    layer = _BUILDERS[module['type']](dict(module, weights=weights))
                wanted = {key for key in layer.state_dict() if 'num_batches' not in key}
                if wanted != {key for key in weights if 'num_batches' not in key}:
                    raise ValueError('weights are missing or too many')
                layer = layer.to_empty(device='cpu')
                for key, value in layer.state_dict().items():
                    if key in weights:
                        value.copy_(weights[key])
                    else:
                        value.zero_()
            # Anything may be wrong in a description that was written by others.
            except (KeyError, TypeError, ValueError, RuntimeError, IndexError) as error:
                lines = str(error).splitlines() or ['']
                kind = repr(module.get('type'))[:40]
                raise UserError(
                    f'converted network: module {number} ({kind}) is faulty: '
                    f'{lines[0]}; convert the .t7 file again'
                ) from error
            built.append(layer)
        self.layers = nn.ModuleList(built)
        self.eval()

    def forward(self, images: Tensor) -> Any:
        """Run the network.

        Args:
            images (Tensor): (B, C, H, W).

        Returns:
            Tensor | list: What it puts out, a table as a list.
        """
        return self._call(self.root, images)

    def _call(self, number: int, value: Any) -> Any:
        layer = self.layers[number]
        if isinstance(layer, layers.Container):
            return layer.run(self._call, value)
        return layer(value)


def encode(description: dict) -> Tensor:
    """Write a description as bytes, which a state dict can hold.

    Args:
        description (dict): From :func:`describe`.

    Returns:
        Tensor: uint8, JSON.
    """
    text = json.dumps(description, separators=(',', ':'))
    return torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)


def _decode(stored: Tensor | None) -> dict:
    try:
        description = json.loads(bytes(stored.cpu().numpy()).decode())
        modules, root = description['modules'], description['root']
        check_calls(modules)
        if not 0 <= root < len(modules):
            raise ValueError('root is not among the modules')
        for module in modules:
            for number, node in enumerate(module.get('nodes', ())):
                if any(not -1 <= source < number for source in node['inputs']):
                    raise ValueError('a node runs before its input')
        return dict(modules=modules, root=root)
    except (
        AttributeError,
        KeyError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise UserError(
            f'converted network: its description is faulty ({error}); convert the '
            '.t7 file again'
        ) from error


def _convolution(spec: dict) -> nn.Module:
    outputs, inputs, *kernel = spec['weights']['weight'].shape
    return nn.Conv2d(
        inputs * spec['groups'],
        outputs,
        kernel,
        spec['stride'],
        spec['padding'],
        spec['dilation'],
        spec['groups'],
        spec['bias'],
    )


def _full_convolution(spec: dict) -> nn.Module:
    inputs, outputs, *kernel = spec['weights']['weight'].shape
    return layers.FullConvolution(
        inputs,
        outputs * spec['groups'],
        kernel,
        spec['stride'],
        spec['padding'],
        spec['extra'],
        spec['groups'],
        spec['bias'],
    )


class _BatchNorm(nn.BatchNorm2d):
    """Of maps and of vectors, as one class."""

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim not in (2, 4):
            raise ValueError(f'a value of {input.ndim} dimensions')


def _batch_norm(spec: dict) -> nn.Module:
    planes = spec['weights']['running_mean'].shape[0]
    return _BatchNorm(planes, eps=spec['eps'], affine=spec['affine'])


def _average_pooling(spec: dict) -> nn.Module:
    return nn.AvgPool2d(
        spec['kernel'],
        spec['stride'],
        spec['padding'],
        spec['ceil'],
        spec['counts_padding'],
        divisor_override=1 if spec['sums'] else None,
    )


def _linear(spec: dict) -> nn.Module:
    outputs, inputs = spec['weights']['weight'].shape
    return nn.Linear(inputs, outputs, spec['bias'])


_BUILDERS = {
    'Sequential': lambda spec: layers.Sequential(spec['children']),
    'ConcatTable': lambda spec: layers.ConcatTable(spec['children']),
    'ParallelTable': lambda spec: layers.ParallelTable(spec['children']),
    'MapTable': lambda spec: layers.MapTable(spec['children']),
    'Concat': lambda spec: layers.Concat(spec['children'], spec['dimension']),
    'GraphModule': lambda spec: layers.GraphModule(spec['nodes'], spec['outputs']),
    'SumTable': lambda spec: layers.SumTable(),
    'DifferenceTable': lambda spec: layers.DifferenceTable(),
    'ProductTable': lambda spec: layers.ProductTable(),
    'MaxTable': lambda spec: layers.MaxTable(),
    'JoinTable': lambda spec: layers.JoinTable(spec['dimension'], spec['input_dims']),
    'SplitTable': lambda spec: layers.SplitTable(spec['dimension'], spec['input_dims']),
    'SelectTable': lambda spec: layers.SelectTable(spec['index']),
    'NarrowTable': lambda spec: layers.NarrowTable(spec['offset'], spec['length']),
    'FlattenTable': lambda spec: layers.FlattenTable(),
    'Narrow': lambda spec: layers.Narrow(
        spec['dimension'], spec['index'], spec['length']
    ),
    'Identity': lambda spec: nn.Identity(),
    'View': lambda spec: layers.View(spec['size'], spec['input_dims']),
    'Reshape': lambda spec: layers.Reshape(spec['size'], spec['is_batch']),
    'Linear': _linear,
    'Convolution': _convolution,
    'FullConvolution': _full_convolution,
    'BatchNorm': _batch_norm,
    'ReLU': lambda spec: nn.ReLU(),
    'ReLU6': lambda spec: nn.ReLU6(),
    'Threshold': lambda spec: nn.Threshold(spec['threshold'], spec['value']),
    'LeakyReLU': lambda spec: nn.LeakyReLU(spec['slope']),
    'PReLU': lambda spec: nn.PReLU(spec['weights']['weight'].shape[0]),
    'ELU': lambda spec: nn.ELU(spec['alpha']),
    'Sigmoid': lambda spec: nn.Sigmoid(),
    'Tanh': lambda spec: nn.Tanh(),
    'SpatialSoftMax': lambda spec: nn.Softmax(dim=-3),
    'MaxPooling': lambda spec: nn.MaxPool2d(
        spec['kernel'], spec['stride'], spec['padding'], ceil_mode=spec['ceil']
    ),
    'AveragePooling': _average_pooling,
    'NearestUpSampling': lambda spec: nn.UpsamplingNearest2d(
        scale_factor=spec['scale']
    ),
    'BilinearUpSampling': lambda spec: layers.BilinearUpSampling(spec['scale']),
    'ZeroPadding': lambda spec: nn.ZeroPad2d(spec['sides']),
    'AffineConstant': lambda spec: layers.AffineConstant(
        spec['factor'], spec['addend']
    ),
}
