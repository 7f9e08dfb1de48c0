import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmpose.registry import TRANSFORMS

from phr_mmpose.utils.errors import UserError


def build(kind, **options):
    init_default_scope('mmpose')
    return TRANSFORMS.build(dict(type=kind, **options))


def drawn(transform, **results):
    np.random.seed(0)
    samples = [transform(dict(results)) for _ in range(200)]
    return [(each['flip'], each['flip_direction']) for each in samples]


@pytest.mark.parametrize('prob', [0.5, 0.2])
def test_draws_as_mmposes_flip(prob):
    picture = np.zeros((4, 4, 3), np.uint8)
    theirs = drawn(build('RandomFlip', prob=prob), img=picture, img_shape=(4, 4))
    mine = drawn(build('RandomMirror', prob=prob))
    assert mine == theirs
    assert 0.6 * prob < np.mean([flip for flip, _ in mine]) < 1.4 * prob


@pytest.mark.parametrize('prob', [0.0, 1.0])
def test_never_and_always(prob):
    assert {flip for flip, _ in drawn(build('RandomMirror', prob=prob))} == {prob == 1}


def test_a_probability_is_asked_for():
    with pytest.raises(UserError, match='prob'):
        build('RandomMirror', prob=1.5)
