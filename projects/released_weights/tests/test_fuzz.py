"""Mutated Torch7 files make a network that runs on images, or give a UserError."""

import numpy as np
import torch
from fuzzing import ODD, counts, mutated, mutated_bytes, survives
from torch import nn
from torch7_networks import container, randomize, relu, sequential, to_torch7
from torch7_writer import Function, Obj, Pairs, Storage, Tensor, dump

from projects.released_weights.models import Torch7Network

ODD_PARTS = (
    *(each for each in ODD if not isinstance(each, (list, dict)) and each != '\udcff'),
    *(2.0, 4096, 10**6, -5, Obj('nn.ReLU'), Obj('nn.Nothing'), Obj('os.system')),
    *({}, [], Pairs([(1.5, 2)]), Function(b'code'), np.zeros((0, 2)), np.ones((2, 3))),
    *(Storage(np.ones(3)), Tensor(Storage(np.ones(4)), (2, 2), (2, 1), 1)),
    *(Tensor(Storage(np.ones(4)), (2**31, 2**31), (0, 0), 1), np.ones(8, np.float32)),
)


def network() -> Obj:
    """Layers of every kind that takes numbers out of a file."""
    layers = randomize(
        nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 4, 1, bias=False),
        )
    )
    up = Obj('nn.SpatialUpSamplingNearest', {'scale_factor': 2})
    pad = Obj('nn.SpatialZeroPadding', dict.fromkeys(['pad_l', 'pad_r', 'pad_t'], 1))
    narrow = Obj('nn.Narrow', {'dimension': 2, 'index': 1, 'length': 2})
    branches = container('ConcatTable', Obj('nn.Identity'), sequential(up, narrow))
    tail = [
        container('ParallelTable', up, Obj('nn.MulConstant', {'constant_scalar': 2.0})),
        Obj('nn.JoinTable', {'dimension': 2, 'nInputDims': 0}),
        Obj('nn.SpatialUpSamplingBilinear', {'scale_factor': 2}),
        Obj('nn.SpatialAveragePooling', {'kW': 2, 'kH': 2, 'dW': 2, 'dH': 2}),
        pad,
    ]
    return sequential(*map(to_torch7, layers), relu(), branches, *tail)


@counts(250, 4000)
def test_networks(seeds, tmp_path):
    path = tmp_path / 'mutated.t7'
    sound, content = network(), dump(network())
    images = torch.zeros(1, 3, 16, 16)

    def case(generator):
        if generator.random() < 0.5:
            path.write_bytes(mutated_bytes(content, generator))
        else:
            try:
                path.write_bytes(dump(mutated(sound, generator, ODD_PARTS)))
            except Exception:  # not all that Python holds can be written
                return
        with torch.no_grad():
            Torch7Network(str(path))(images)

    survives(seeds, case)
