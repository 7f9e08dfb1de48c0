import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmpose.registry import TRANSFORMS

from phr_mmpose.utils.errors import UserError


def build(kind, **options):
    init_default_scope('mmpose')
    return TRANSFORMS.build(dict(type=kind, **options))


def drawn(transform):
    torch.manual_seed(0)
    samples = [transform({}) for _ in range(1000)]
    return [each['mirror'] for each in samples]


@pytest.mark.parametrize('prob', [0.5, 0.2])
def test_a_share_is_mirrored(prob):
    found = drawn(build('RandomMirror', prob=prob))
    assert set(found) == {True, False}
    # Four standard deviations.
    spread = 4 * (prob * (1 - prob) / 1000) ** 0.5
    assert abs(np.mean(found) - prob) < spread


@pytest.mark.parametrize('prob', [0.0, 1.0])
def test_never_and_always(prob):
    assert set(drawn(build('RandomMirror', prob=prob))) == {prob == 1}


def test_a_probability_is_asked_for():
    with pytest.raises(UserError, match='prob'):
        build('RandomMirror', prob=1.5)


def sample():
    init_default_scope('mmpose')
    photo = np.zeros((40, 60, 3), np.uint8)
    photo[:, :30] = 200  # the left half is bright
    return dict(
        img=photo,
        bbox=np.float32([[0, 0, 60, 40]]),
        keypoints=np.float32([[[10, 20], [50, 20]]]),
        keypoints_visible=np.ones((1, 2), np.float32),
        flip_indices=[1, 0],
        ori_shape=(40, 60),
        img_shape=(40, 60),
    )


CROP = dict(type='LoadPersonCrop', input_size=(30, 20))


@pytest.mark.parametrize(
    'steps',
    [
        ['RandomMirror', CROP],
        [dict(type='RandomFlip', prob=1.0), CROP],
        [dict(type='RandomFlip', prob=1.0), dict(CROP, type='TopdownAffine')],
    ],
)
def test_it_mirrors_once_among_mmpose_s_transforms(steps):
    steps = [dict(type=s, prob=1.0) if isinstance(s, str) else s for s in steps]
    found = Compose([dict(type='GetBBoxCenterScale'), *steps])(sample())
    assert found['img'][10, 5].max() == 0 and found['img'][10, 24].min() == 200
    assert found['flip'] is True and found['flip_direction'] == 'horizontal'
    left, right = found['transformed_keypoints'][0]
    assert left[0] < right[0]


def test_without_a_crop_that_mirrors_it_is_refused():
    steps = ['GetBBoxCenterScale', 'RandomMirror']
    steps = [dict(type=step) for step in steps]
    crop = dict(CROP, type='TopdownAffine')
    with pytest.raises(UserError, match='RandomMirror needs LoadPersonCrop'):
        Compose([*steps, crop, dict(type='PackCascadeInputs')])(sample())
