from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmpose.registry import TRANSFORMS

from phr_mmpose.utils.errors import UserError


def build(**options):
    init_default_scope('mmpose')
    return TRANSFORMS.build(dict(type='CheckedLoadImage', **options))


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'photo.png'
    cv2.imwrite(str(path), np.full((30, 40, 3), [1, 2, 3], np.uint8))
    return str(path)


def test_loads_a_file(photo):
    results = build()({'img_path': photo})
    assert results['img'].shape == (30, 40, 3)
    assert results['img'][0, 0].tolist() == [1, 2, 3]
    assert results['img_shape'] == results['ori_shape'] == (30, 40)


def test_float_output(photo):
    assert build(to_float32=True)({'img_path': photo})['img'].dtype == np.float32


@pytest.mark.parametrize('shape', [(30, 40), (30, 40, 1), (30, 40, 3), (30, 40, 4)])
@pytest.mark.parametrize('kind', [np.uint8, np.uint16])
def test_takes_arrays(shape, kind):
    results = build()({'img': np.zeros(shape, kind)})
    assert results['img'].shape == (30, 40, 3)
    assert results['img'].dtype == np.uint8
    assert results['img_path'] is None
    assert results['img_shape'] == (30, 40)


def test_faults_name_the_photo(tmp_path, photo):
    truncated = tmp_path / 'half.png'
    truncated.write_bytes(Path(photo).read_bytes()[:-20])
    missing = tmp_path / 'none.jpg'
    load = build()
    for path in (truncated, missing):
        with pytest.raises(UserError, match=path.name):
            load({'img_path': str(path)})
    for name in ('null\0byte.jpg', '\ud800.jpg'):
        with pytest.raises(UserError, match='check data_prefix'):
            load({'img_path': f'{tmp_path}/{name}'})
    with pytest.raises(UserError, match='the given array'):
        load({'img': np.zeros((1, 1, 3), np.uint8)})
    with pytest.raises(UserError, match='numpy array'):
        load({'img': [[1, 2], [3, 4]]})


def test_training_may_skip_unreadable_photos(tmp_path):
    assert build(ignore_empty=True)({'img_path': str(tmp_path / 'none.jpg')}) is None


def test_boxes_are_checked(photo):
    load = build()
    inside = np.array([[-5, -5, 20, 20]], np.float32)
    assert load({'img_path': photo, 'bbox': inside})['bbox'] is inside
    for box in ([40, 0, 50, 10], [5, 5, 5, 5], [float('nan'), 0, 1, 1]):
        with pytest.raises(UserError, match=r'photo\.png: box 0'):
            load({'img_path': photo, 'bbox': np.array([box])})
