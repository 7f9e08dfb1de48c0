"""Converted modules against torch's own functions, by hand where there are none."""

import copy
import re
import struct
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
    full_convolution,
    max_pool,
    randomize,
    refiner,
    relu,
    sequential,
    to_torch7,
)
from torch7_writer import Obj, Storage, Tensor, Writer, dump

from phr_mmpose.models.refiners import HourglassRefiner
from phr_mmpose.models.torch7 import Torch7Graph, convert
from phr_mmpose.models.torch7.description import known_modules
from phr_mmpose.utils.errors import UserError


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
        (
            scalar('Threshold', threshold=0.4, val=0.1),
            lambda x: F.threshold(x, 0.4, 0.1),
        ),
        (scalar('LeakyReLU', negval=0.2), lambda x: F.leaky_relu(x, 0.2)),
        (scalar('ELU', alpha=0.5), lambda x: F.elu(x, 0.5)),
        (scalar('Sigmoid'), torch.sigmoid),
        (scalar('Tanh'), torch.tanh),
        (scalar('ReLU6'), F.relu6),
        (scalar('SpatialSoftMax'), lambda x: x.softmax(1)),
        (scalar('Dropout', p=0.5, v2=True), lambda x: x),
        (scalar('Dropout', p=0.25), lambda x: 0.75 * x),
        (scalar('SpatialDropout', p=0.5), lambda x: 0.5 * x),
        (scalar('MulConstant', constant_scalar=2.5), lambda x: 2.5 * x),
        (scalar('AddConstant', constant_scalar=-1), lambda x: x - 1),
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
        (scalar('View', size=Storage(np.array([-1]))), lambda x: x.reshape(-1)),
        (
            scalar('View', size=Storage(np.array([-1])), numInputDims=3),
            lambda x: x.reshape(2, -1),
        ),
        (
            scalar('View', size=Storage(np.array([6, 96]))),
            lambda x: x.reshape(2, 6, 96),
        ),
        (
            scalar('Reshape', size=Storage(np.array([6, 96])), nelement=576),
            lambda x: x.reshape(2, 6, 96),
        ),
        (
            sequential(
                scalar('SplitTable', dimension=1, nInputDims=3),
                scalar('JoinTable', dimension=2, nInputDims=2),
            ),
            lambda x: torch.cat(x.unbind(1), 2),
        ),
        (
            scalar('PReLU', weight=np.array([0.1, 0.2, 0.3], np.float32)),
            lambda x: F.prelu(x, torch.tensor([0.1, 0.2, 0.3])),
        ),
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
            'ConcatTable',
            convolution(conv),
            Obj('nn.Identity'),
            container('ConcatTable', Obj('nn.Tanh'), Obj('nn.Sigmoid')),
        ),
        Obj('nn.FlattenTable'),  # conv, x, tanh, sigmoid
        container(
            'ConcatTable',
            Obj('nn.NarrowTable', {'offset': 2, 'length': 2}),
            Obj('nn.SelectTable', {'index': -1}),
            Obj('nn.SelectTable', {'index': 1}),
        ),
        container(
            'ParallelTable',
            sequential(container('MapTable', Obj('nn.Sigmoid')), Obj('nn.CMulTable')),
            Obj('nn.Identity'),
            Obj('nn.Identity'),
        ),
        container(
            'ConcatTable',
            Obj('nn.CAddTable'),
            Obj('nn.CMaxTable'),
            Obj('nn.JoinTable', {'dimension': 1, 'nInputDims': 3}),
            sequential(
                Obj('nn.NarrowTable', {'offset': 1, 'length': 2}),
                Obj('nn.CSubTable'),
            ),
        ),
        Obj('nn.JoinTable', {'dimension': -3}),
    )
    product = images.sigmoid() * images.tanh().sigmoid()
    parts = [product, images.sigmoid(), conv(images).detach()]
    expected = torch.cat(
        [
            parts[0] + parts[1] + parts[2],
            torch.stack(parts).amax(0),
            *parts,
            parts[0] - parts[1],
        ],
        1,
    )
    same(run(converted(network), images), expected)


def test_concat_linear_and_vectors(converted, images):
    linear, norm = randomize(nn.Linear(36, 5)), randomize(nn.BatchNorm1d(5))
    pool = dict(kW=16, kH=1, dW=16, dH=1, ceil_mode=False)
    network = sequential(
        container('Concat', Obj('nn.Tanh'), Obj('nn.Identity'), dimension=2),
        Obj('nn.Narrow', {'dimension': 2, 'index': 1, 'length': 3}),
        Obj('nn.SpatialMaxPooling', pool),
        Obj('nn.View', {'size': Storage(np.array([36]))}),
        Obj('nn.Linear', {'weight': array(linear.weight), 'bias': array(linear.bias)}),
        batch_norm(norm, 'nn.BatchNormalization'),
    )
    expected = norm(linear(images.tanh().amax(3).reshape(2, 36))).detach()
    same(run(converted(network), images), expected)


def test_a_full_convolution_as_large_as_its_model(converted):
    module = randomize(nn.ConvTranspose2d(2, 3, 3, 2, 1))
    value, model = torch.rand(1, 2, 5, 6), torch.rand(1, 1, 10, 11)
    graph = converted(full_convolution(module))
    expected = module(value, output_size=(10, 11)).detach()
    with torch.no_grad():
        same(graph([value, model]), expected)


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
    modules = {
        'in': None,
        'conv': convolution(conv),
        'split': container('ConcatTable', Obj('nn.Sigmoid'), Obj('nn.Tanh')),
        'second': None,
        'join': Obj('nn.JoinTable', {'dimension': 2}),
        'out': None,
    }
    data = {
        name: {'annotations': {}, **({'module': module} if module else {})}
        for name, module in modules.items()
    }
    data['split']['nSplitOutputs'] = 2
    data['second']['selectindex'] = 2
    nodes = {name: Obj('nngraph.Node', {'data': data[name]}) for name in modules}
    readers = {
        'in': ['conv', 'join'],
        'conv': ['split', 'join'],
        'split': ['second'],
        'second': ['join'],
        'join': ['out'],
        'out': [],
    }
    slots = {
        'in': [],
        'conv': ['in'],
        'split': ['conv'],
        'second': ['split'],
        'join': ['second', 'conv', 'in'],
        'out': ['join'],
    }
    return conv, modules, data, nodes, readers, slots


class Pairs(list):
    """A table whose keys may be tables."""


def write_nngraph(path):
    """Write it piece by piece, since tables cannot be keys of a dict here."""
    conv, modules, data, nodes, readers, slots = nngraph()
    writer = Writer()
    write_plain = writer.pairs

    def pairs(value, count):
        if not isinstance(value, Pairs):
            return write_plain(value, count)
        count(len(value))
        for key, content in value:
            writer.write(key)
            writer.write(content)
        return None

    writer.pairs = pairs
    for name, node in nodes.items():
        places = list(enumerate((data[each] for each in slots[name]), 1))
        data[name]['mapindex'] = Pairs(
            places + [(content, place) for place, content in places]
        )
        children = list(enumerate((nodes[each] for each in readers[name]), 1))
        node.fields['children'] = Pairs(
            children + [(child, place) for place, child in children]
        )
    writer.write(
        Obj(
            'nn.gModule',
            {
                'forwardnodes': list(nodes.values()),
                'innode': nodes['in'],
                # In the backward graph it is another node with the same data.
                'outnode': Obj(
                    'nngraph.Node', {'data': data['out'], 'children': [nodes['join']]}
                ),
                'nInputs': 1,
                'modules': [module for module in modules.values() if module],
            },
        )
    )
    path.write_bytes(b''.join(writer.parts))
    return conv


def test_a_graph_of_nngraph(tmp_path, images):
    conv = write_nngraph(tmp_path / 'graph.t7')
    graph = convert(tmp_path / 'graph.t7')
    found = conv(images).detach()
    same(run(graph, images), torch.cat((found.tanh(), found, images), 1))


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


def test_it_lives_through_its_state_dict_copies_and_networks_in_tables(
    converted, images
):
    conv = randomize(nn.Conv2d(3, 4, 3))
    graph = converted({'model': sequential(convolution(conv), relu()), 'epoch': 3})
    expected = conv(images).relu().detach()
    same(run(Torch7Graph(graph.state_dict()), images), expected)
    twin = copy.deepcopy(graph)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    same(run(graph, images), expected)
    assert not run(twin, images).any()


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
            sequential(relu(), container('Concat', Obj('nn.Foo'), dimension=2)),
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
        (wrong_conv(nInputPlane=None), 'has no nInputPlane'),
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
        (Obj('nn.View', {'size': Storage(np.array([-1, -1]))}), 'size is [-1, -1]'),
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


def test_faulty_descriptions(converted):
    state = converted(sequential(convolution(nn.Conv2d(3, 4, 3)), relu())).state_dict()
    wrong = {
        'not JSON': b'{',
        'no modules': b'{}',
        'a cycle': b'{"modules":[{"type":"Sequential","children":[0]}],"root":0}',
        'no such type': b'{"modules":[{"type":"e\\nval"}],"root":0}',
        'no number': b'{"modules":[{"type":"ReLU"}],"root":"x"}',
        'nesting': b'[' * 100_000,
    }
    for text in wrong.values():
        tensor = torch.tensor(list(text), dtype=torch.uint8)
        with pytest.raises(UserError, match='converted network') as error:
            Torch7Graph({**state, 'description': tensor})
        assert '\n' not in str(error.value)
    with pytest.raises(UserError, match='weights are missing'):
        state.pop('layers.0.bias')
        Torch7Graph(state)
    with pytest.raises(UserError, match='description is faulty'):
        Torch7Graph({})


def test_a_network_cut_short(tmp_path):
    data = dump(sequential(convolution(nn.Conv2d(3, 4, 3)), max_pool(nn.MaxPool2d(2))))
    path = tmp_path / 'network.t7'
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        with pytest.raises(UserError, match=r'network\.t7') as error:
            convert(path)
        assert '\n' not in str(error.value)
    path.write_bytes(struct.pack('<i', 0))
    with pytest.raises(UserError, match='holds no network but a NoneType'):
        convert(path)


def test_the_documentation_lists_the_modules():
    page = Path(__file__).resolve().parents[3] / 'docs' / 'released.md'
    rows = page.read_text().split('| containers |')[1].split('\n\n')[0]
    assert set(re.findall(r'\w+', rows)) >= set(known_modules())
