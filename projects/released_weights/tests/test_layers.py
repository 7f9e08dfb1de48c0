"""Converted modules against torch's own functions, by hand where there are none."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch7_networks import (
    array,
    batch_norm,
    container,
    convolution,
    randomize,
    refiner,
    relu,
    sequential,
    to_torch7,
)
from torch7_writer import Obj, Pairs, Storage, Tensor, dump

from phr_mmpose.models.refiners import HourglassRefiner
from phr_mmpose.utils.errors import UserError
from projects.released_weights.layers import LAYERS
from projects.released_weights.models import Torch7Network


def same(actual, expected):
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-5)


def run(graph, value):
    with torch.no_grad():
        return graph(value)


@pytest.mark.parametrize(
    'module',
    [
        nn.Conv2d(3, 4, (3, 5), stride=(2, 1), padding=(1, 2)),
        nn.Conv2d(3, 4, 1, bias=False),
        nn.ConvTranspose2d(3, 5, (4, 2), (2, 3), (1, 0), output_padding=(1, 2)),
        nn.BatchNorm2d(3, eps=1e-3),
        nn.BatchNorm2d(3, affine=False),
        nn.MaxPool2d((3, 2), (2, 3), (1, 0)),
        nn.MaxPool2d(3, 2, ceil_mode=True),
    ],
    ids=str,
)
def test_layers_that_torch_has(converted, images, module):
    same(run(converted(to_torch7(randomize(module))), images), module(images).detach())


@pytest.mark.parametrize('package', ['nn', 'cudnn'])
def test_the_names_of_cudnn_and_tensors_of_the_gpu(converted, images, package):
    conv = randomize(nn.Conv2d(3, 6, 3))
    item = convolution(conv, f'{package}.SpatialConvolution')
    weight = item.fields['weight']
    storage = Storage(weight.reshape(-1), 'CudaFloat')
    strides = tuple(step // 4 for step in weight.strides)
    item.fields['weight'] = Tensor(storage, weight.shape, strides)
    same(run(converted(item), images), conv(images).detach())


def test_groups_and_dilation(converted, images):
    conv = randomize(nn.Conv2d(4, 6, 3, padding=2, dilation=2, groups=2))
    item = convolution(conv, 'cudnn.SpatialConvolution')
    item.fields.update(groups=2, dilationW=2, dilationH=2)
    value = torch.cat((images, images[:, :1]), 1)
    same(run(converted(item), value), conv(value).detach())


@pytest.mark.parametrize('pads', [{'padW': 1, 'padH': 1}, {'padding': 1}])
def test_the_older_convolution(converted, images, pads):
    conv = randomize(nn.Conv2d(3, 4, 3, padding=1))
    item = convolution(conv, 'nn.SpatialConvolutionMM')
    for name in ('padH', 'padW'):
        del item.fields[name]
    item.fields.update(pads, weight=array(conv.weight).reshape(4, 27))
    same(run(converted(item), images), conv(images).detach())


def test_batch_norm_of_before_version_2(converted, images):
    norm = randomize(nn.BatchNorm2d(3))
    item = batch_norm(norm, 'cudnn.SpatialBatchNormalization')
    variance = item.fields.pop('running_var')
    item.fields['running_std'] = (1 / np.sqrt(variance + 1e-5)).astype(np.float32)
    item.version = 1
    same(run(converted(item), images), norm(images).detach())


def scalar(name, **fields):
    return Obj(f'nn.{name}', fields)


@pytest.mark.parametrize(
    ('item', 'function'),
    [
        (scalar('Identity'), lambda x: x),
        (scalar('Copy', intype='a', outtype='b'), lambda x: x),
        (relu(), F.relu),
        (scalar('Sigmoid'), torch.sigmoid),
        (scalar('Dropout', p=0.5, v2=True), lambda x: x),
        (scalar('Dropout', p=0.25), lambda x: 0.75 * x),
        (scalar('SpatialDropout', p=0.5), lambda x: 0.5 * x),
        (scalar('MulConstant', constant_scalar=2.5), lambda x: 2.5 * x),
        (
            scalar('SpatialUpSamplingNearest', scale_factor=3),
            lambda x: x.repeat_interleave(3, 2).repeat_interleave(3, 3),
        ),
        (
            scalar('SpatialZeroPadding', pad_l=1, pad_r=2, pad_t=3, pad_b=-1),
            lambda x: F.pad(x, (1, 2, 3, -1)),
        ),
        (scalar('Narrow', dimension=2, index=2, length=2), lambda x: x[:, 1:3]),
        (scalar('Narrow', dimension=-1, index=2, length=-1), lambda x: x[..., 1:]),
    ],
    ids=lambda each: getattr(each, 'typename', None),
)
def test_layers_without_maps(converted, images, item, function):
    values = images - 0.5
    same(run(converted(item), values), function(values))


def test_bilinear_up_sampling_by_hand(converted):
    value = torch.tensor([[[[0.0, 3.0], [6.0, 9.0]]]])
    item = scalar('SpatialUpSamplingBilinear', scale_factor=3)
    # Corners stay corners: (2 - 1) (3 - 1) + 2 = 4 pixels a side.
    rows = torch.tensor([0.0, 2.0, 4.0, 6.0])
    expected = rows[:, None] + torch.tensor([0.0, 1.0, 2.0, 3.0])
    same(run(converted(item), value)[0, 0], expected)


@pytest.mark.parametrize(
    ('fields', 'options'),
    [
        ({}, {}),
        ({'count_include_pad': False}, {'count_include_pad': False}),
        ({'ceil_mode': True}, {'ceil_mode': True}),
        (
            {'mode': 'CUDNN_POOLING_AVERAGE_COUNT_EXCLUDE_PADDING'},
            {'count_include_pad': False},
        ),
        ({'divide': False}, {'divisor_override': 1}),
    ],
)
def test_average_pooling(converted, images, fields, options):
    sides = dict(kW=3, kH=2, dW=2, dH=3, padW=1, padH=1)
    graph = converted(scalar('SpatialAveragePooling', **sides, **fields))
    expected = F.avg_pool2d(images, (2, 3), (3, 2), (1, 1), **options)
    same(run(graph, images), expected)


def test_tables(converted, images):
    conv = randomize(nn.Conv2d(3, 3, 1))
    network = sequential(
        container(
            'ConcatTable', convolution(conv), Obj('nn.Identity'), Obj('nn.Sigmoid')
        ),
        container('ParallelTable', Obj('nn.Sigmoid'), Obj('nn.Identity'), relu()),
        container(
            'ConcatTable',
            Obj('nn.CAddTable'),
            Obj('nn.CMulTable'),
            Obj('nn.JoinTable', {'dimension': 1, 'nInputDims': 3}),
            Obj('nn.SelectTable', {'index': -1}),
            Obj('nn.SelectTable', {'index': 1}),
        ),
        Obj('nn.JoinTable', {'dimension': -3}),
        container('Concat', Obj('nn.Identity'), Obj('nn.Sigmoid'), dimension=2),
    )
    a, b, c = conv(images).detach().sigmoid(), images, images.sigmoid()
    table = torch.cat([a + b + c, a * b * c, a, b, c, c, a], 1)
    expected = torch.cat((table, table.sigmoid()), 1)
    same(run(converted(network), images), expected)


def test_a_module_in_two_places_is_one(converted, images):
    conv = randomize(nn.Conv2d(3, 3, 3, padding=1))
    item = convolution(conv)
    graph = converted(sequential(item, relu(), item))
    assert sum(1 for _ in graph.parameters()) == 2
    same(run(graph, images), conv(conv(images).relu()).detach())


def nngraph():
    """``nngraph``: 1x1 convolution, its sigmoid and the input, joined.

    As nngraph saves it: nodes' ``data`` are keys of their readers' ``mapindex``.
    """
    conv = randomize(nn.Conv2d(3, 3, 1))
    both = container('ConcatTable', Obj('nn.Identity'), Obj('nn.Sigmoid'))
    # Of each node the module and the nodes that it reads, in the order of its inputs.
    plan = {
        'in': (None, []),
        'conv': (convolution(conv), ['in']),
        'both': (both, ['conv']),
        'second': (None, ['both']),
        'join': (Obj('nn.JoinTable', {'dimension': 2}), ['second', 'conv', 'in']),
        'out': (None, ['join']),
    }
    data = {name: {'module': module} for name, (module, _) in plan.items()}
    data['second']['selectindex'] = 2
    nodes = {name: Obj('nngraph.Node', {'data': data[name]}) for name in plan}
    for name, (_, sources) in plan.items():
        places = list(enumerate((data[source] for source in sources), 1))
        data[name]['mapindex'] = Pairs([*places, *((d, place) for place, d in places)])
        readers = [nodes[each] for each, (_, given) in plan.items() if name in given]
        children = list(enumerate(readers, 1))
        nodes[name].fields['children'] = Pairs(
            [*children, *((child, place) for place, child in children)]
        )
    # In the backward graph it is another node with the same data.
    out = Obj('nngraph.Node', {'data': data['out']})
    fields = {'forwardnodes': list(nodes.values()), 'outnode': out}
    return conv, Obj('nn.gModule', fields)


def test_a_graph_of_nngraph(converted, images):
    conv, graph = nngraph()
    found = conv(images).detach()
    expected = torch.cat((found.sigmoid(), found, images), 1)
    same(run(converted(graph), images), expected)
    graph.fields['forwardnodes'].reverse()
    assert 'leads nowhere' in fault(converted, graph)


def test_the_released_regressor_at_full_size(converted):
    module = HourglassRefiner(19, 16, graph='released')
    randomize(module)
    assert sum(p.numel() for p in module.parameters()) == 17_370_528
    graph = converted(refiner(module))
    assert sum(p.numel() for p in graph.parameters()) == 17_370_528
    stack = torch.rand(1, 19, 256, 256, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = module(stack)
        actual = graph(stack)
    assert expected.std() > 0.05
    scale = expected.abs().max()
    torch.testing.assert_close(actual / scale, expected / scale, atol=1e-5, rtol=0)


def test_a_network_in_a_checkpoint_of_training(converted, images):
    conv = randomize(nn.Conv2d(3, 4, 3))
    network = converted({'model': sequential(convolution(conv), relu()), 'epoch': 3})
    same(run(network, images), conv(images).relu().detach())


def test_modules_nest_as_deep_as_allowed(converted, images):
    same(run(converted(nested(98)), images), images)


# What is wrong


def fault(converted, network):
    with pytest.raises(UserError) as error:
        converted(network)
    message = str(error.value)
    assert 'network.t7' in message
    assert '\n' not in message
    return message


def wrong_conv(**fields):
    item = convolution(nn.Conv2d(3, 4, 3))
    item.fields.update(fields)
    return item


def self_holding():
    item = container('Sequential')
    item.fields['modules'] = [item]
    return item


def nested(depth, width=1):
    item = Obj('nn.Identity')
    for _ in range(depth):
        item = container('Sequential', *[item] * width)
    return item


@pytest.mark.parametrize(
    ('network', 'reason'),
    [
        (3, 'holds no network but a int'),
        ({'weights': 1}, 'holds no network but a Table'),
        (
            sequential(relu(), container('ConcatTable', Obj('nn.Foo'))),
            'modules[2].modules[1]: module nn.Foo is not known',
        ),
        (Obj(b'nn.A\nB\xff' + b'x' * 99, {}), 'module nn.A?B?xxx'),
        (Obj('os.system', {'modules': ['ls']}), 'module os.system is not known'),
        (sequential(relu(), 'text'), 'modules[2]: a str in place of a module'),
        (self_holding(), 'holds itself'),
        (nested(110), 'nest deeper'),
        (nested(40, width=3), 'run more than 100000 times'),
        (wrong_conv(kW=float('nan')), 'kW is nan'),
        (wrong_conv(kW=1e300), 'kW is 1e+300'),
        (wrong_conv(kW=2), 'weight has 108 elements, not 4x3x3x2'),
        (wrong_conv(nInputPlane=None), 'nInputPlane is None'),
        (wrong_conv(padW=-1), 'padW is -1'),
        (wrong_conv(padW=10**6), 'padW is 1000000'),
        (wrong_conv(dW=0), 'dW is 0'),
        (wrong_conv(dW=True), 'dW is True'),
        (wrong_conv(groups=2), '2 groups of 3 and 4'),
        (wrong_conv(weight=None), 'has no weight'),
        (wrong_conv(weight='text'), 'has no weight'),
        (wrong_conv(bias=np.zeros(5, np.float32)), 'bias has 5 elements'),
        (
            wrong_conv(
                weight=Tensor(Storage(np.zeros(1, np.float32)), (4, 27), (0, 0))
            ),
            'weight is an expanded tensor',
        ),
        (Obj('nn.SpatialBatchNormalization', {'eps': 1e-5}), 'has no running_mean'),
        (Obj('nn.MulConstant', {'constant_scalar': float('inf')}), 'is inf'),
        (Obj('nn.SpatialMaxPooling', dict(kW=2, kH=2, padW=2, padH=0)), 'exceed half'),
        (Obj('nn.Sequential', {'modules': {'a': 1}}), 'modules is no list'),
        (Obj('nn.gModule', {}), 'has no forwardnodes'),
        (
            Obj('nn.gModule', {'forwardnodes': [1], 'outnode': Obj('nngraph.Node')}),
            'a node without data',
        ),
    ],
)
def test_faulty_networks(converted, network, reason):
    assert reason in fault(converted, network)


def test_overlaid_weights_do_not_multiply(converted):
    weight = np.zeros((64, 64, 1, 1), np.float32)
    layers = []
    for _ in range(40):
        item = convolution(nn.Conv2d(64, 64, 1, bias=False))
        item.fields['weight'] = weight[:]
        layers.append(item)
    assert 'share the memory' in fault(converted, sequential(*layers))


def test_the_documentation_lists_the_modules():
    page = Path(__file__).resolve().parents[1] / 'README.md'
    rows = page.read_text().split('| containers |')[1].split('\n\n')[0]
    assert set(re.findall(r'\w+', rows)) >= set(LAYERS)


def test_scaling_up_what_has_no_height_gets_one_line(tmp_path, images):
    # torch says so by a ValueError.
    path = tmp_path / 'x.t7'
    path.write_bytes(dump(scalar('SpatialUpSamplingBilinear', scale_factor=3)))
    with pytest.raises(UserError, match='does not run on images'):
        Torch7Network(str(path))(images[0])
