import pytest
import torch
from torch7_writer import dump

from phr_mmpose.models.torch7 import convert


@pytest.fixture
def converted(tmp_path):
    """Write a network as Torch7 does and convert it."""

    def write_and_convert(network, **options):
        path = tmp_path / 'network.t7'
        path.write_bytes(dump(network, **options))
        return convert(path)

    return write_and_convert


@pytest.fixture
def images():
    return torch.rand(2, 3, 12, 16, generator=torch.Generator().manual_seed(1))
