"""torch's modules as the objects that Torch7's files hold of their like."""

import numpy as np
import torch
from mmpose.models.backbones.resnet import BasicBlock, Bottleneck, ResNet
from torch import nn
from torch7_writer import Obj

from phr_mmpose.models.heads import PartDetectorHead
from phr_mmpose.models.layers import PreActBottleneck
from phr_mmpose.models.refiners import HourglassRefiner
from phr_mmpose.models.refiners.hourglass_refiner import _ReleasedLevel


def array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy().copy()


def container(name: str, *modules: Obj, **fields) -> Obj:
    """A container with the usual fields of one that was saved."""
    usual = {'modules': list(modules), 'train': False, '_type': 'torch.FloatTensor'}
    return Obj(f'nn.{name}', {**usual, 'output': np.zeros(0, np.float32), **fields})


def sequential(*modules: Obj) -> Obj:
    return container('Sequential', *modules)


def branches(*modules: Obj) -> Obj:
    """The sum of what several make of the same."""
    return sequential(container('ConcatTable', *modules), Obj('nn.CAddTable'))


def sides(stem: str, pair) -> dict:
    height, width = (pair, pair) if isinstance(pair, int) else pair
    return {f'{stem}H': height, f'{stem}W': width}


def parameters(module: nn.Module) -> dict:
    fields = {'weight': array(module.weight)}
    if module.bias is not None:
        fields['bias'] = array(module.bias)
    return fields


def convolution(module: nn.Conv2d, typename: str = 'nn.SpatialConvolution') -> Obj:
    return Obj(
        typename,
        {
            'nInputPlane': module.in_channels,
            'nOutputPlane': module.out_channels,
            **sides('k', module.kernel_size),
            **sides('d', module.stride),
            **sides('pad', module.padding),
            **parameters(module),
        },
    )


def full_convolution(module: nn.ConvTranspose2d) -> Obj:
    item = convolution(module, 'nn.SpatialFullConvolution')
    item.fields.update(sides('adj', module.output_padding))
    return item


def batch_norm(
    module: nn.BatchNorm2d, typename: str = 'nn.SpatialBatchNormalization'
) -> Obj:
    fields = {
        'running_mean': array(module.running_mean),
        'running_var': array(module.running_var),
        'eps': module.eps,
        'momentum': 0.1,
        'affine': module.affine,
    }
    return Obj(typename, {**fields, **(parameters(module) if module.affine else {})}, 2)


def max_pool(module: nn.MaxPool2d) -> Obj:
    fields = {**sides('k', module.kernel_size), **sides('d', module.stride)}
    fields.update(sides('pad', module.padding), ceil_mode=module.ceil_mode)
    return Obj('nn.SpatialMaxPooling', fields)


def relu(module: nn.ReLU | None = None) -> Obj:
    return Obj('nn.ReLU', {'inplace': True, 'threshold': 0, 'val': 0})


def to_torch7(module: nn.Module) -> Obj:
    """What Torch7 saves of a module like this one."""
    for kind, write in WRITERS.items():
        if isinstance(module, kind):
            return write(module)
    raise TypeError(type(module))


def residual_block(module: Bottleneck | BasicBlock) -> Obj:
    layers = [module.conv1, module.norm1, module.relu, module.conv2, module.norm2]
    if isinstance(module, Bottleneck):
        layers += [module.relu, module.conv3, module.norm3]
    skip = module.downsample or nn.Identity()
    both = branches(sequential(*map(to_torch7, layers)), to_torch7(skip))
    return sequential(*both.fields['modules'], relu())


def resnet(module: ResNet) -> list[Obj]:
    stem = [module.conv1, module.norm1, module.relu, module.maxpool]
    stages = [getattr(module, name) for name in module.res_layers]
    return [to_torch7(each) for each in (*stem, *stages)]


def detector(backbone: ResNet, head: PartDetectorHead) -> Obj:
    return sequential(*resnet(backbone), to_torch7(head.score), to_torch7(head.up))


def refiner(module: HourglassRefiner) -> Obj:
    layers = [*module.stem, module.hourglass, *module.tail]
    return sequential(*map(to_torch7, layers))


def released(backbone: ResNet, head: nn.Module, sigmoid: bool = True) -> Obj:
    """The whole of the authors' graph: image and detector's maps, regressor."""
    found = detector(backbone, head.detector)
    if sigmoid:
        found.fields['modules'].append(Obj('nn.Sigmoid'))
    return sequential(
        container('ConcatTable', Obj('nn.Identity'), found),
        Obj('nn.JoinTable', {'dimension': 2, 'size': np.zeros(4, np.int64)}),
        container('Sequential', refiner(head.refiner)),
    )


WRITERS = {
    nn.Sequential: lambda module: sequential(*map(to_torch7, module)),
    nn.Identity: lambda module: Obj('nn.Identity'),
    nn.Conv2d: convolution,
    nn.ConvTranspose2d: full_convolution,
    nn.BatchNorm2d: batch_norm,
    nn.MaxPool2d: max_pool,
    nn.ReLU: relu,
    PreActBottleneck: lambda module: branches(
        to_torch7(module.residual), to_torch7(module.skip)
    ),
    _ReleasedLevel: lambda module: branches(
        to_torch7(module.skip), to_torch7(module.lower)
    ),
    (Bottleneck, BasicBlock): residual_block,
    HourglassRefiner: refiner,
}


def randomize(module: nn.Module) -> nn.Module:
    """Give every weight and statistic a value that shows if it is misplaced."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if name.endswith('num_batches_tracked'):
                continue
            if value.ndim > 1:
                fan = value[0].numel()
                value.normal_(0, (2 / fan) ** 0.5, generator=generator)
            elif name.endswith('running_var') or name.endswith('weight'):
                value.uniform_(0.5, 1.5, generator=generator)
            else:
                value.normal_(0, 0.2, generator=generator)
    return module.eval()
