"""What a cascade costs, against a count by each convolution's own sizes."""

from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS
from torch import nn

from phr_mmpose.models.complexity import (
    Complexity,
    build_without_memory,
    complexity,
    count_parameters,
)
from phr_mmpose.utils.config import load_config

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def read(name: str):
    init_default_scope('mmpose')
    return load_config(CONFIGS / f'{name}.py').model


def macs_of(modules, run) -> int:
    """Multiplications of the convolutions among some modules during a run."""
    total = 0

    def count(layer, inputs, output):
        nonlocal total
        each = layer.weight[0].numel()
        # A transposed convolution's kernel is laid down once per input value.
        at = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        total += at.numel() * each

    handles = [
        layer.register_forward_hook(count)
        for module in modules
        for layer in module.modules()
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))
    ]
    run()
    for handle in handles:
        handle.remove()
    return total


def test_parameters_of_several_modules():
    assert count_parameters(nn.Conv2d(3, 4, 5), nn.BatchNorm2d(6)) == 304 + 12


def test_each_part_by_its_convolutions():
    config = read('phr_tiny_figures')
    model = MODELS.build(config).eval()
    image = torch.zeros(1, 3, 64, 64)
    found = complexity(build_without_memory(config))
    assert list(found) == ['detector', 'refiner']
    for part, modules in model.subnetworks().items():
        with torch.no_grad():
            macs = macs_of(modules, lambda: model.head(model.extract_feat(image)))
        parameters = sum(p.numel() for m in modules for p in m.parameters())
        assert found[part] == Complexity(parameters, macs)


def test_a_detector_alone():
    config = read('phr_tiny_figures')
    config.head.refiner = None
    found = complexity(build_without_memory(config))
    assert list(found) == ['detector']


def test_costs_add_up():
    assert Complexity(1, 20) + Complexity(3, 40) == Complexity(4, 60)


@pytest.mark.parametrize('name', ['phr_tiny_figures'])
def test_nothing_is_allocated(name):
    model = build_without_memory(read(name))
    assert {p.device.type for p in model.parameters()} == {'meta'}
