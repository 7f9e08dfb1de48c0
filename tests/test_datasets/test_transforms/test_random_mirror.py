import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmpose.registry import TRANSFORMS

from phr_mmpose.utils.errors import UserError


def build(kind, **options):
    init_default_scope('mmpose')
    return TRANSFORMS.build(dict(type=kind, **options))


def drawn(transform):
    torch.manual_seed(0)
    samples = [transform({}) for _ in range(1000)]
    return [(each['flip'], each['flip_direction']) for each in samples]


@pytest.mark.parametrize('prob', [0.5, 0.2])
def test_a_share_is_mirrored(prob):
    found = drawn(build('RandomMirror', prob=prob))
    assert set(found) == {(True, 'horizontal'), (False, None)}
    # Four standard deviations.
    spread = 4 * (prob * (1 - prob) / 1000) ** 0.5
    assert abs(np.mean([flip for flip, _ in found]) - prob) < spread


@pytest.mark.parametrize('prob', [0.0, 1.0])
def test_never_and_always(prob):
    assert {flip for flip, _ in drawn(build('RandomMirror', prob=prob))} == {prob == 1}


def test_a_probability_is_asked_for():
    with pytest.raises(UserError, match='prob'):
        build('RandomMirror', prob=1.5)
