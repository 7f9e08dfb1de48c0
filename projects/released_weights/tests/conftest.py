import pytest
import torch
from torch7_writer import dump

import phr_mmpose  # noqa: F401  first: it lets the stack import
from projects.released_weights.layers import build_network
from projects.released_weights.reader import load


@pytest.fixture
def converted(tmp_path):
    """Write a network as Torch7 does and build it."""

    def write_and_build(network):
        path = tmp_path / 'network.t7'
        path.write_bytes(dump(network))
        return build_network(load(path), str(path))

    return write_and_build


@pytest.fixture
def images():
    return torch.rand(2, 3, 12, 16, generator=torch.Generator().manual_seed(1))
