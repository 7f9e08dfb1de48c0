import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmpose.registry import TRANSFORMS

from phr_mmpose.datasets.transforms import RandomScaleRotation
from phr_mmpose.datasets.transforms.random_transform import run_clock
from phr_mmpose.utils.errors import UserError


@pytest.fixture(autouse=True)
def no_run():
    yield
    run_clock().stop()


def draw(count, results=(), **kwargs):
    transform = RandomScaleRotation(**kwargs)
    scale = np.full((count, 2), [100, 200], np.float32)
    out = transform(dict(results, bbox_scale=scale, bbox_center=np.zeros((count, 2))))
    return out, scale


def test_the_paper_s_ranges_are_filled_evenly():
    run_clock().set(0, 0)
    out, _ = draw(20000)
    # The body's factors: a smaller box shows a larger body.
    factors, angles = [100, 200] / out['bbox_scale'], out['bbox_rotation']
    assert out['bbox_scale'].shape == (20000, 2) and angles.shape == (20000,)
    # Both sides of a box by one factor: a circle stays one.
    np.testing.assert_allclose(factors[:, 0], factors[:, 1], rtol=1e-6)
    for values, low, high in ((factors[:, 0], 0.7, 1.3), (angles, -40, 40)):
        assert low <= values.min() and values.max() <= high
        shares, _ = np.histogram(values, bins=10, range=(low, high))
        np.testing.assert_allclose(shares / 20000, 0.1, atol=0.01)


def test_types_stay_and_the_input_is_left_alone():
    out, scale = draw(3)
    assert out['bbox_scale'].dtype == out['bbox_rotation'].dtype == np.float32
    assert (scale == [100, 200]).all()


def test_ranges_are_options():
    out, scale = draw(50, scale=(2, 2), rotation=0)
    np.testing.assert_array_equal(out['bbox_scale'], scale / 2)
    assert not out['bbox_rotation'].any()


def test_the_seed_decides():
    draws = []
    for seed in (1, 1, 2):
        results = dict(rng=np.random.default_rng(seed))
        draws.append(draw(4, results)[0])
    np.testing.assert_array_equal(draws[0]['bbox_scale'], draws[1]['bbox_scale'])
    np.testing.assert_array_equal(draws[0]['bbox_rotation'], draws[1]['bbox_rotation'])
    assert (draws[0]['bbox_rotation'] != draws[2]['bbox_rotation']).all()


def test_topdown_affine_turns_and_scales_the_joints_with_the_picture():
    init_default_scope('mmpose')
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[49:52, 69:72] = 255  # a dot to the right of the centre
    results = dict(
        img=picture,
        bbox_center=np.float32([[50, 50]]),
        bbox_scale=np.float32([[100, 100]]),
        keypoints=np.float32([[[70, 50]]]),
        keypoints_visible=np.ones((1, 1), np.float32),
    )
    for transform in (
        RandomScaleRotation(scale=(0.8, 0.8), rotation=40),
        TRANSFORMS.build(dict(type='TopdownAffine', input_size=(100, 100))),
    ):
        results = transform(results)
    joint = results['transformed_keypoints'][0, 0]
    assert np.linalg.norm(joint - 50) == pytest.approx(20 * 0.8, abs=0.5)
    angle = np.degrees(np.arctan2(joint[1] - 50, joint[0] - 50))
    assert abs(angle) == pytest.approx(abs(results['bbox_rotation'][0]), abs=1)
    rows, columns = np.nonzero(results['img'][..., 0] > 100)
    np.testing.assert_allclose([columns.mean(), rows.mean()], joint, atol=0.6)


@pytest.mark.parametrize(
    'arguments',
    [
        dict(scale=(0, 1)),
        dict(scale=(1.3, 0.7)),
        dict(scale=(float('nan'), 1)),
        dict(rotation=-1),
        dict(rotation=181),
        dict(rotation=float('nan')),
    ],
)
def test_empty_ranges_get_one_line(arguments):
    with pytest.raises(UserError, match=r'must (be|lie)') as error:
        RandomScaleRotation(**arguments)
    assert '\n' not in str(error.value)
