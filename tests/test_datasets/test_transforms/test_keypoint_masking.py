from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmcv.transforms import Compose
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, TRANSFORMS

from phr_mmpose.datasets.transforms import KeypointMasking
from phr_mmpose.utils.errors import UserError

SIDE, BODY = 128, 80
# A small figure in the middle: two joints that share a bone, and one by itself.
JOINTS = np.array([[56, 50], [72, 50], [64, 80]], np.float32)
LINKS = [(0, 1)]


def distinct_pixels(height=SIDE, width=SIDE):
    """A picture no two pixels of which are alike: a copy tells where it is from."""
    number = np.arange(1, height * width + 1).reshape(height, width)
    return np.stack((number // 65536, number // 256 % 256, number % 256), -1).astype(
        np.uint8
    )


def numbers(image):
    return image.astype(int) @ [65536, 256, 1]


def sample(seed=0, flags=None, joints=JOINTS, **others):
    flags = np.ones((1, len(joints), 2), np.float32) if flags is None else flags
    return dict(
        img=distinct_pixels(),
        bbox=np.array([[24, 24, 24 + BODY, 24 + BODY]], np.float32),
        input_scale=np.array([SIDE, SIDE], np.float32),
        input_size=(SIDE, SIDE),
        transformed_keypoints=joints[None].copy(),
        keypoints_visible=flags,
        skeleton_links=LINKS,
        rng=np.random.default_rng(seed),
        **others,
    )


def changed(before, after):
    """Corner, size and origin of the one patch that differs, in (x, y)."""
    rows, columns = np.nonzero(numbers(before) != numbers(after))
    corner = np.array([columns.min(), rows.min()])
    size = np.array([columns.max(), rows.max()]) + 1 - corner
    row, column = np.divmod(numbers(after)[corner[1], corner[0]] - 1, before.shape[1])
    origin = np.array([column, row])
    x, y = corner
    u, v = origin
    patch = after[y : y + size[1], x : x + size[0]]
    np.testing.assert_array_equal(patch, before[v : v + size[1], u : u + size[0]])
    return corner, size, origin


def inside(points, corner, size):
    return ((points >= corner - 0.5) & (points <= corner + size - 0.5)).all(-1)


def bone_distance(middle):
    """Smallest distance of a point to the figure, by sampling its bone."""
    bone = np.linspace(JOINTS[0], JOINTS[1], 101)
    return np.linalg.norm(np.concatenate((bone, JOINTS)) - middle, axis=1).min()


@settings(max_examples=200)
@given(st.integers(0, 2**32))
def test_background_hides_exactly_the_joints_under_it(seed):
    results = sample(seed)
    before = results['img'].copy()
    after = KeypointMasking(prob=1, copy_prob=0)(results)
    flags = after['keypoints_visible'][0]
    if (flags == 1).all():  # No background was found: nothing has happened.
        np.testing.assert_array_equal(after['img'], before)
        return
    corner, size, origin = changed(before, after['img'])
    np.testing.assert_array_equal(flags[:, 0], 1)
    np.testing.assert_array_equal(flags[:, 1] == 0, inside(JOINTS, corner, size))
    assert (size >= 0.1 * BODY - 0.5).all() and (size <= 0.25 * BODY + 0.5).all()
    # Half a diagonal and a limb's width from joints and bones.
    near = np.linalg.norm(size) / 2 + 0.05 * BODY
    assert bone_distance(origin + (size - 1) / 2) > near


def test_every_joint_is_hidden_as_often():
    hidden = np.zeros(3)
    for seed in range(600):
        out = KeypointMasking(prob=1, copy_prob=0, size=(0.1, 0.1))(sample(seed))
        hidden += out['keypoints_visible'][0, :, 1] == 0
    assert hidden.sum() > 550
    np.testing.assert_allclose(hidden / hidden.sum(), 1 / 3, atol=0.07)


@settings(max_examples=200)
@given(st.integers(0, 2**32))
def test_a_copied_joint_keeps_every_target(seed):
    results = sample(seed)
    before = results['img'].copy()
    after = KeypointMasking(prob=0, copy_prob=1)(results)
    np.testing.assert_array_equal(after['keypoints_visible'], 1)
    np.testing.assert_array_equal(after['transformed_keypoints'][0], JOINTS)
    if (after['img'] == before).all():
        return
    corner, size, origin = changed(before, after['img'])
    assert not inside(JOINTS, corner, size).any()
    assert inside(JOINTS, origin, size).any()
    joint = JOINTS[inside(JOINTS, origin, size)]
    away = np.abs(corner + (size - 1) / 2 - joint).max(axis=1)
    assert away.min() <= BODY + 1


def test_a_joint_is_nearly_always_copied():
    masking = KeypointMasking(prob=0, copy_prob=1)
    copied = sum(
        (masking(sample(seed))['img'] != distinct_pixels()).any() for seed in range(50)
    )
    assert copied > 45


def test_up_to_max_hidden_patches_each_as_often():
    # Joints so far apart that no patch hides two.
    far = np.array([[20, 20], [108, 20], [64, 108]], np.float32)
    masking = KeypointMasking(prob=1, copy_prob=0, size=(0.1, 0.1), max_hidden=3)
    hidden = [
        int((masking(sample(seed, joints=far))['keypoints_visible'][..., 1] == 0).sum())
        for seed in range(300)
    ]
    counts = np.bincount(hidden, minlength=4)
    assert counts[0] == 0 and (counts[1:] > 70).all()


def test_a_patch_grows_with_the_crop_s_zoom():
    for photo_side in (SIDE / 2, SIDE * 2):
        zoom = SIDE / photo_side
        results = sample(1)
        results['input_scale'] = np.array([photo_side, photo_side], np.float32)
        results['bbox'] = results['bbox'] / zoom
        after = KeypointMasking(prob=1, copy_prob=0, size=(0.2, 0.2))(results)
        _, size, _ = changed(distinct_pixels(), after['img'])
        assert size.tolist() == [BODY // 5, BODY // 5]


@pytest.mark.parametrize('box', [[24, 24, 104, 64], [24, 24, 64, 104]])
def test_a_patch_goes_by_the_longer_side_of_the_box(box):
    results = sample(1)
    results['bbox'] = np.array([box], np.float32)
    after = KeypointMasking(prob=1, copy_prob=0, size=(0.2, 0.2))(results)
    _, size, _ = changed(distinct_pixels(), after['img'])
    assert size.tolist() == [BODY // 5, BODY // 5]


def test_the_joint_lies_anywhere_in_the_middle_half_of_its_patch():
    places = []
    for seed in range(200):
        flags = np.array([[[0, 0], [0, 0], [1, 1]]], np.float32)
        masking = KeypointMasking(prob=1, copy_prob=0, size=(0.25, 0.25))
        after = masking(sample(seed, flags))
        corner, size, _ = changed(distinct_pixels(), after['img'])
        places.append((JOINTS[2] - corner - (size - 1) / 2) / size)
    spread = np.abs(places)
    assert 0.2 < spread.max() <= 0.25 + 1 / 20 and 0.08 < spread.mean() < 0.17


@settings(max_examples=200)
@given(st.integers(0, 2**32))
def test_what_is_hidden_is_shown_nowhere_else(seed):
    results = sample(seed)
    before = numbers(results['img'])
    after = KeypointMasking(prob=1, copy_prob=1, max_hidden=3)(results)
    hidden = after['keypoints_visible'][0, :, 1] == 0
    left = numbers(after['img'])
    for x, y in JOINTS[hidden].astype(int):
        assert before[y, x] not in left


def test_a_hidden_joint_is_neither_hidden_again_nor_copied():
    flags = np.array([[[1, 0], [0, 0], [1, 0]]], np.float32)
    results = sample(flags=flags.copy())
    after = KeypointMasking(prob=1, copy_prob=1)(results)
    np.testing.assert_array_equal(after['img'], distinct_pixels())
    np.testing.assert_array_equal(after['keypoints_visible'], flags)


def test_a_joint_without_annotation_is_left_alone():
    flags = np.array([[[1, 1], [0, 0], [0, 0]]], np.float32)
    for seed in range(30):
        after = KeypointMasking(prob=1, copy_prob=0)(sample(seed, flags.copy()))
        np.testing.assert_array_equal(after['keypoints_visible'][0, 1:], 0)
        assert after['keypoints_visible'][0, 0, 0] == 1


def test_flags_of_unknown_visibility_grow_only_where_a_joint_is_hidden():
    flags = np.array([[1, 0, 1]], np.float32)
    shapes = set()
    for seed in range(40):
        after = KeypointMasking(prob=0.5, copy_prob=0)(sample(seed, flags.copy()))
        found = after['keypoints_visible']
        shapes.add(found.ndim)
        if found.ndim == 2:
            np.testing.assert_array_equal(found, flags)
        else:
            np.testing.assert_array_equal(found[..., 0], flags)
            assert (found[..., 1] <= flags).all() and (found[..., 1] != flags).any()
    assert shapes == {2, 3}


def test_the_given_picture_and_flags_are_not_written_to():
    results = sample(3)
    image, flags = results['img'], results['keypoints_visible']
    after = KeypointMasking(prob=1, copy_prob=1)(results)
    assert (after['img'] != image).any()
    np.testing.assert_array_equal(image, distinct_pixels())
    np.testing.assert_array_equal(flags, 1)


def test_the_seed_decides_and_a_fixed_one_depends_on_the_sample_alone():
    free = KeypointMasking(prob=1)
    one, same, other = (free(sample(visit))['img'] for visit in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    fixed = KeypointMasking(prob=1, seed=5)
    first, again = fixed(sample(1, id=7)), fixed(sample(2, id=7))
    np.testing.assert_array_equal(first['img'], again['img'])
    assert (fixed(sample(1, id=8))['img'] != first['img']).any()
    other = KeypointMasking(prob=1, seed=6)(sample(1, id=7))
    assert (other['img'] != first['img']).any()


def test_a_fixed_test_set_knows_the_visibility_of_every_sample():
    """One sample without background took all visible and hidden rates away."""
    flags = np.ones((1, 3), np.float32)
    flags[0, 1] = 0
    for prob in (0, 1):
        # No background: the whole picture is the body's.
        masking = KeypointMasking(prob=prob, copy_prob=0, seed=0)
        results = sample(flags=flags.copy(), id=1)
        results['bbox'] = np.array([[-4000, -4000, 4000, 4000]], np.float32)
        found = masking(results)['keypoints_visible']
        np.testing.assert_array_equal(found, np.stack((flags, flags), axis=-1))
        free = KeypointMasking(prob=0)(sample(flags=flags.copy()))
        np.testing.assert_array_equal(free['keypoints_visible'], flags)


def test_a_photo_to_be_predicted_passes_a_fixed_test_set_s_pipeline():
    results = dict(img=distinct_pixels(), transformed_keypoints=np.zeros(0))
    for seed in (None, 0):
        assert KeypointMasking(prob=1, seed=seed)(dict(results)) == results


@pytest.mark.parametrize('mirrored', [0, 1])
@pytest.mark.parametrize(
    'crop',
    [
        ['LoadPersonCrop'],
        ['LoadImage', 'TopdownAffine'],
    ],
)
def test_patches_stay_within_the_photo(crop, mirrored):
    init_default_scope('mmpose')
    # Grey 1 to 255 in the photo; the padding of the crop is 0.
    photo = np.random.default_rng(0).integers(1, 255, (60, 90, 3), np.uint8)
    steps = [
        dict(type='GetBBoxCenterScale'),
        dict(type='RandomMirror', prob=mirrored),
        dict(type='RandomScaleRotation', scale=(0.5, 0.8), rotation=180),
        *(
            dict(type=name)
            if name == 'LoadImage'
            else dict(type=name, input_size=(SIDE, SIDE))
            for name in crop
        ),
    ]
    pipeline = Compose(steps)
    masking = KeypointMasking(prob=1, copy_prob=1, max_hidden=3)
    hits = 0
    for seed in range(40):
        results = pipeline(
            dict(
                img=photo,
                img_path=None,
                bbox=np.array([[20, 5, 70, 55]], np.float32),
                keypoints=np.array([[[45, 15], [45, 30], [88, 40]]], np.float32),
                keypoints_visible=np.ones((1, 3, 2), np.float32),
                flip_indices=[0, 1, 2],
                rng=np.random.default_rng(seed),
            )
        )
        before = results['img']
        padding = (before == 0).all(-1)
        after = masking(results)['img']
        np.testing.assert_array_equal((after == 0).all(-1), padding)
        hits += (after != before).any()
    assert hits > 20


@pytest.mark.parametrize('use_udp', [False, True])
def test_patches_stay_within_the_photo_after_mmpose_s_own_transforms(use_udp):
    init_default_scope('mmpose')
    photo = np.random.default_rng(0).integers(1, 255, (60, 90, 3), np.uint8)
    size = (96, SIDE)
    pipeline = Compose(
        [
            dict(type='GetBBoxCenterScale'),
            dict(type='RandomFlip'),
            dict(type='RandomBBoxTransform', scale_factor=(1.2, 2.0), rotate_prob=1.0),
            dict(type='TopdownAffine', input_size=size, use_udp=use_udp),
        ]
    )
    masking = KeypointMasking(prob=1, copy_prob=1, max_hidden=3)
    np.random.seed(0)
    hits = 0
    for seed in range(60):
        results = pipeline(
            dict(
                img=photo,
                ori_shape=photo.shape[:2],
                img_shape=photo.shape[:2],
                bbox=np.array([[20, 5, 70, 55]], np.float32),
                keypoints=np.array([[[45, 15], [45, 30], [88, 40]]], np.float32),
                keypoints_visible=np.ones((1, 3), np.float32),
                flip_indices=[0, 1, 2],
                rng=np.random.default_rng(seed),
            )
        )
        before = results['img']
        after = masking(results)['img']
        # Grey 1 to 254 in the photo, 0 where it has ended.
        np.testing.assert_array_equal((after == 0).all(-1), (before == 0).all(-1))
        hits += (after != before).any()
    assert hits > 30


def test_a_photo_without_joints_passes_through():
    init_default_scope('mmpose')
    results = dict(
        img=distinct_pixels(),
        bbox=np.array([[24, 24, 104, 104]], np.float32),
        rng=np.random.default_rng(0),
    )
    size = (SIDE, SIDE)
    for transform in (
        dict(type='GetBBoxCenterScale'),
        dict(type='TopdownAffine', input_size=size),
    ):
        results = TRANSFORMS.build(transform)(results)
    before = results['img'].copy()
    after = KeypointMasking(prob=1, copy_prob=1)(results)
    np.testing.assert_array_equal(after['img'], before)


def test_wrong_use_gets_one_line():
    results = sample()
    del results['transformed_keypoints']
    with pytest.raises(UserError, match='put it after LoadPersonCrop'):
        KeypointMasking(prob=1)(results)
    with pytest.raises(UserError, match='leave seed out'):
        KeypointMasking(prob=1, seed=0)(sample())
    results = sample()
    # Joints of a second person under a patch would stay visible.
    results['transformed_keypoints'] = np.repeat(results['transformed_keypoints'], 2, 0)
    with pytest.raises(UserError, match='a sample has 2 persons'):
        KeypointMasking(prob=1)(results)


@pytest.mark.parametrize(
    ('options', 'fact'),
    [
        (dict(prob=1.5), 'prob'),
        (dict(copy_prob=-0.1), 'copy_prob'),
        (dict(size=(0.3, 0.2)), 'size'),
        (dict(size=(0, 0.2)), 'size'),
        (dict(size=(0.5, 1.2)), 'larger patches'),
        (dict(size=0.2), 'a range of shares'),
        (dict(max_hidden=0), 'max_hidden'),
        (dict(seed=-1), 'seed'),
    ],
)
def test_bad_arguments_are_named(options, fact):
    with pytest.raises(UserError, match=fact):
        KeypointMasking(**options)


def test_an_empty_box_changes_nothing():
    results = sample(0)
    results['bbox'] = np.full((1, 4), 50, np.float32)
    results['input_scale'] = np.zeros(2, np.float32)
    after = KeypointMasking(prob=1, copy_prob=1)(results)
    np.testing.assert_array_equal(after['img'], distinct_pixels())


def test_a_body_larger_than_the_picture_changes_nothing():
    results = sample(0)
    results['bbox'] = np.array([[-900, -900, 900, 900]], np.float32)
    after = KeypointMasking(prob=1, copy_prob=1)(results)
    np.testing.assert_array_equal(after['img'], distinct_pixels())
    np.testing.assert_array_equal(after['keypoints_visible'], 1)


def test_bones_are_those_of_the_data_set_that_combines_others():
    results = dict(sample(1), skeleton_links=[(0, 99)])
    combined = SimpleNamespace(metainfo=dict(skeleton_links=[]), datasets=[])
    masking = KeypointMasking(prob=1)
    assert masking(dict(results, dataset=combined))['img'].shape == results['img'].shape
    with pytest.raises(UserError, match='a bone ends at joint 99'):
        masking(results)


def test_bones_of_a_data_set_go_the_way_of_its_converted_joints():
    init_default_scope('mmpose')
    joints = 14
    # The bones of the file lead to joints 14 and 15, which are left out.
    pipeline = [
        dict(
            type='VisibilityKeypointConverter',
            num_keypoints=joints,
            mapping=[(joint, joint) for joint in range(joints)],
        ),
        dict(type='GetBBoxCenterScale'),
        dict(type='TopdownAffine', input_size=(96, 96)),
        dict(type='KeypointMasking', prob=1.0, copy_prob=0.0, seed=3),
    ]
    figures = DATASETS.build(
        dict(type='FigureDataset', num=4, image_size=112, pipeline=pipeline)
    )
    for sample in figures:
        assert sample['keypoints_visible'].shape == (1, joints, 2)
        assert max(map(max, sample['skeleton_links'])) < joints
