import numpy as np
import pytest
from mmcv.transforms import Compose
from mmengine.registry import init_default_scope
from mmpose.registry import TRANSFORMS
from photo_samples import as_jpeg, smooth_photo

from phr_mmpose.utils.errors import UserError

SIZE = (64, 64)


@pytest.fixture(scope='module')
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp('photos') / 'photo.jpg'
    path.write_bytes(as_jpeg(smooth_photo(403, 301, grain=30)))
    return str(path)


def person(path, side=130.0, **changes):
    generator = np.random.default_rng(3)
    box = np.array([[120, 60, 120 + side, 60 + side]], np.float32)
    return {
        'img_path': path,
        'id': 0,
        'bbox': box,
        'keypoints': generator.uniform(60, 260, (1, 4, 2)).astype(np.float32),
        'keypoints_visible': np.array([[[1, 1], [1, 0], [0, 0], [1, 1]]], np.float32),
        'flip_indices': [1, 0, 3, 2],
        **changes,
    }


def build(*steps):
    init_default_scope('mmpose')
    return Compose([TRANSFORMS.build(step) for step in steps])


class Flip:
    """MMPose's ``RandomFlip``, whether it flips drawn as ``RandomMirror`` does."""

    def __call__(self, results):
        flip = bool(results['rng'].random() < 0.5)
        return TRANSFORMS.build({'type': 'RandomFlip', 'prob': float(flip)})(results)


def stock(size=SIZE, augment=True):
    steps = build(
        {'type': 'CheckedLoadImage'},
        {'type': 'GetBBoxCenterScale'},
        *([{'type': 'RandomScaleRotation'}] if augment else []),
        {'type': 'TopdownAffine', 'input_size': size},
    )
    if augment:
        steps.transforms.insert(2, Flip())
    return steps


def ours(size=SIZE, augment=True, **options):
    return build(
        {'type': 'GetBBoxCenterScale'},
        *(
            [{'type': 'RandomMirror'}, {'type': 'RandomScaleRotation'}]
            if augment
            else []
        ),
        {'type': 'LoadPersonCrop', 'input_size': size, **options},
    )


def both(sample, seed, first, second):
    outcomes = []
    for pipeline in (first, second):
        rng = np.random.default_rng(seed)
        outcomes.append(pipeline(dict(sample, rng=rng)))
    return outcomes


NUMBERS = (
    'bbox',
    'bbox_center',
    'bbox_scale',
    'keypoints',
    'keypoints_visible',
    'transformed_keypoints',
    'input_center',
    'input_scale',
)
FACTS = ('img_shape', 'ori_shape', 'input_size', 'flip', 'flip_direction')


@pytest.mark.parametrize('seed', range(6))
@pytest.mark.parametrize('size', [(64, 64), (48, 64)])
def test_numbers_are_those_of_the_three_transforms(photo, seed, size):
    for side in (40.0, 130.0, 700.0):
        theirs, mine = both(person(photo, side), seed, stock(size), ours(size))
        for key in NUMBERS:
            np.testing.assert_array_equal(mine[key], theirs[key], key)
            assert mine[key].dtype == theirs[key].dtype, key
        for key in FACTS:
            assert mine[key] == theirs[key], key
        assert mine['img'].shape == theirs['img'].shape == (*size[::-1], 3)


@pytest.mark.parametrize('seed', range(6))
def test_pixels_are_those_of_the_three_transforms(photo, seed):
    """Within interpolation's rounding in full size, a grey level or two reduced."""
    for side, full, reduced in ((40.0, 0.6, 0.6), (130.0, 0.6, 1.5), (260.0, 0.6, 2.5)):
        sample = person(photo, side)
        theirs, plain = both(sample, seed, stock(), ours(reduce=False))
        difference = np.abs(plain['img'].astype(int) - theirs['img'])
        assert difference.mean() < full
        _, fast = both(sample, seed, stock(), ours())
        assert np.abs(fast['img'].astype(int) - theirs['img']).mean() < reduced


def test_a_test_pipeline_too(photo):
    theirs, mine = both(person(photo), 0, stock(augment=False), ours(augment=False))
    np.testing.assert_array_equal(
        mine['transformed_keypoints'], theirs['transformed_keypoints']
    )
    assert np.abs(mine['img'].astype(int) - theirs['img']).mean() < 1.5
    assert 'flip' not in mine


@pytest.mark.parametrize('reduce', [True, False])
def test_a_marked_joint_is_where_the_keypoint_says(tmp_path, reduce):
    """A spot painted into the photo appears at the mapped keypoint, to 0.1 px."""
    columns, rows = np.meshgrid(np.arange(803), np.arange(601))
    joint = np.array([401.7, 295.2])
    squared = (columns - joint[0]) ** 2 + (rows - joint[1]) ** 2
    spot = 255 * np.exp(-squared / (2 * 20.0**2))
    path = tmp_path / 'spot.jpg'
    image = np.repeat(spot[..., None], 3, axis=2).astype(np.uint8)
    path.write_bytes(as_jpeg(image, 100))
    sample = person(
        str(path),
        bbox=np.array([[250, 150, 600, 500]], np.float32),
        keypoints=np.array([[joint, joint]], np.float32),
        keypoints_visible=np.ones((1, 2, 2), np.float32),
        flip_indices=[1, 0],
    )
    pipeline = ours((96, 96), reduce=reduce)
    for seed in range(8):
        results = pipeline(dict(sample, rng=np.random.default_rng(seed)))
        weights = results['img'].astype(np.float64).sum(axis=2)
        there = np.indices(weights.shape)[::-1]
        found = [(weights * each).sum() / weights.sum() for each in there]
        expected = results['transformed_keypoints'][0, 0]
        np.testing.assert_allclose(found, expected, atol=0.1)


@pytest.fixture
def asked(monkeypatch):
    """By how much photos are reduced when they are decoded."""
    found = []
    module = 'phr_mmpose.datasets.transforms.load_person_crop.decode_reduced'
    from phr_mmpose.datasets.reduced_photos import decode_reduced

    def noting(content, source, reduction):
        found.append(reduction)
        return decode_reduced(content, source, reduction)

    monkeypatch.setattr(module, noting)
    return found


def test_small_density_decodes_no_less_than_the_input_has(photo, asked):
    pipeline = ours(augment=False)
    # The crop is 1.25 times the box; 64 px of input.
    for side in (102.0, 103.0, 204.0, 205.0, 409.0, 410.0):
        pipeline(person(photo, side))
    assert asked == [1, 2, 2, 4, 4, 8]


@pytest.mark.parametrize('size', [(128, 64), (64, 128)])
def test_density_counts_alike_along_either_side(photo, asked, size):
    # 1.9 px of the photo for one of the input; the crop is 1.25 times the box.
    width, height = (1.9 / 1.25 * side for side in size)
    box = np.array([[50, 50, 50 + width, 50 + height]], np.float32)
    ours(size, augment=False)(person(photo, bbox=box))
    assert asked == [1]


def test_takes_arrays_and_samples_without_joints():
    image = smooth_photo()
    box = np.array([[20, 20, 120, 120]], np.float32)
    results = ours(augment=False)({'img': image, 'bbox': box})
    theirs = stock(augment=False)({'img': image, 'bbox': box})
    np.testing.assert_array_equal(results['img'], theirs['img'])
    assert results['transformed_keypoints'].shape == ()
    assert results['keypoints_visible'].shape == (1, 1, 1)
    assert results['img_path'] is None


def test_faults(tmp_path, photo):
    pipeline = ours(augment=False)
    with pytest.raises(UserError, match=r'none\.jpg'):
        pipeline(person(str(tmp_path / 'none.jpg')))
    with pytest.raises(UserError, match=r'photo\.jpg: box 0'):
        pipeline(person(photo, bbox=np.array([[500, 0, 600, 50]], np.float32)))
    with pytest.raises(UserError, match='input_size'):
        ours((0, 64))
    skipping = ours(augment=False, ignore_empty=True)
    assert skipping(person(str(tmp_path / 'none.jpg'))) is None


def test_only_unreadable_photos_are_skipped(photo):
    """As ``CheckedLoadImage``: a faulty box is no fault of the photo."""
    skipping = ours(augment=False, ignore_empty=True)
    assert skipping({'img': np.zeros((9, 9, 2), np.uint8), **box(0)}) is None
    with pytest.raises(UserError, match='lies outside the photo'):
        skipping(person(photo, **box(500)))
    with pytest.raises(UserError, match='holds NaN'):
        skipping(person(photo, **box(np.nan)))


def box(left):
    return {'bbox': np.array([[left, 0, left + 100, 50]], np.float32)}
