"""Keypoints in another order, against values by hand and against MMPose's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, TRANSFORMS

from phr_mmpose.datasets.joints import FIGURES_METAINFO
from phr_mmpose.datasets.transforms.visibility_keypoint_converter import (
    loses_visibility,
)
from phr_mmpose.utils.errors import UserError


def build(mapping, num_keypoints=3, kind='VisibilityKeypointConverter'):
    init_default_scope('mmpose')
    return TRANSFORMS.build(
        dict(type=kind, num_keypoints=num_keypoints, mapping=mapping)
    )


def person(flags):
    keypoints = np.array([[[1, 2], [3, 4], [5, 8], [7, 6]]], np.float32)
    return dict(keypoints=keypoints, keypoints_visible=np.array([flags], np.float32))


def test_both_flags_go_with_their_joint():
    flags = [[1, 1], [1, 0], [0, 0], [1, 1]]
    results = build([(1, 0), (0, 2)])(person(flags))
    assert results['keypoints'].tolist() == [[[3, 4], [0, 0], [1, 2]]]
    assert results['keypoints_visible'].tolist() == [[[1, 0], [0, 0], [1, 1]]]


def test_between_two_joints_both_must_be_there_and_be_seen():
    flags = [[1, 1], [1, 0], [0, 0], [1, 1]]
    results = build([((0, 1), 0), ((0, 2), 1), ((0, 3), 2)])(person(flags))
    assert results['keypoints'].tolist() == [[[2, 3], [3, 5], [4, 4]]]
    assert results['keypoints_visible'].tolist() == [[[1, 0], [0, 0], [1, 1]]]


def test_unknown_visibility_stays_unknown():
    results = build([((0, 1), 0), (3, 2)])(person([1, 0, 1, 1]))
    assert results['keypoints_visible'].tolist() == [[0, 0, 1]]


def test_without_flags_every_mapped_joint_is_annotated():
    results = person([1, 1, 1, 1])
    del results['keypoints_visible']
    assert build([(0, 1)])(results)['keypoints_visible'].tolist() == [[0, 1, 0]]


def test_the_types_stay():
    results = build([(0, 0)])(person([[1, 1]] * 4))
    assert results['keypoints'].dtype == np.float32
    assert results['keypoints_visible'].dtype == np.float32


@pytest.mark.parametrize(
    ('mapping', 'number', 'expected'),
    [
        # Left and right are 0 and 1, 2 and 3; they become 0 and 3, 2 and 1.
        ([(0, 0), (1, 3), (2, 1), (3, 2)], 4, [3, 2, 1, 0]),
        # The right hand is not taken, and 3 has no source.
        ([(0, 1), (1, 0), (2, 2)], 4, [1, 0, 2, 3]),
        # Middles: of both sides; of the left side and of the right one.
        ([((0, 1), 0), ((0, 2), 1), ((3, 1), 2), (3, 3)], 4, [0, 2, 1, 3]),
        # Both sides twice; the left one a third time.
        ([(0, 0), (1, 1), (0, 2), (1, 3), (0, 4)], 5, [1, 0, 3, 2, 4]),
    ],
)
def test_mirrored_joints_are_those_of_the_result(mapping, number, expected):
    results = dict(person([[1, 1]] * 4), flip_indices=[1, 0, 3, 2])
    assert build(mapping, number)(results)['flip_indices'] == expected


sources = st.integers(0, 3)
pairs = st.lists(
    st.one_of(sources, st.tuples(sources, sources)), min_size=1, max_size=5
)


@settings(max_examples=60)
@given(
    sources=pairs, flags=hnp.arrays(np.float32, (2, 4, 2), elements=st.integers(0, 1))
)
def test_each_channel_is_converted_as_mmpose_converts_the_first(sources, flags):
    mapping = [(source, target) for target, source in enumerate(sources)]
    keypoints = np.arange(16, dtype=np.float32).reshape(2, 4, 2)
    ours = build(mapping, 5)(dict(keypoints=keypoints, keypoints_visible=flags.copy()))
    theirs = build(mapping, 5, 'KeypointConverter')
    for channel in range(2):
        given_flags = flags[..., channel].copy()
        expected = theirs(dict(keypoints=keypoints, keypoints_visible=given_flags))
        np.testing.assert_array_equal(
            ours['keypoints_visible'][..., channel],
            expected['keypoints_visible'][..., 0],
        )
        np.testing.assert_allclose(ours['keypoints'], expected['keypoints'])


def test_after_the_crop_it_is_refused():
    """It would convert the flags, and not the joints that the loss sees."""
    results = person([[1, 1]] * 4)
    results['transformed_keypoints'] = results['keypoints'].copy()
    with pytest.raises(UserError, match='stands after the crop'):
        build([(1, 0), (0, 2)])(results)


def test_it_is_a_converter_of_mmpose():
    assert isinstance(build([(0, 0)]), TRANSFORMS.get('KeypointConverter'))
    with pytest.raises(AssertionError):
        build([((0, 1, 2), 0)])


def test_bones_go_with_their_joints():
    sample = dict(person([[1, 1]] * 4), skeleton_links=[(0, 1), (1, 2), (3, 0)])
    results = build([(1, 0), (0, 2), (3, 1)])(dict(sample))
    assert results['skeleton_links'] == [(2, 0), (1, 2)]
    # Joint 2 of the target is the middle of two: no bone's end.
    results = build([(1, 0), ((0, 2), 2), (3, 1)])(dict(sample))
    assert results['skeleton_links'] == []


@pytest.mark.parametrize('place', ['alone', 'joined', 'wrapped', 'outside'])
@pytest.mark.parametrize('prefix', ['', 'Visibility'])
def test_mmposes_converter_is_found_in_any_data_set(place, prefix):
    init_default_scope('mmpose')
    mapping = [(index, index) for index in range(16)]
    converter = dict(
        type=f'{prefix}KeypointConverter', num_keypoints=16, mapping=mapping
    )
    outside = place == 'outside'
    figures = dict(
        type='FigureDataset',
        num=2,
        seed=0,
        image_size=64,
        pipeline=[] if outside else [converter],
    )
    data = {
        'joined': dict(
            type='CombinedDataset',
            metainfo=FIGURES_METAINFO,
            datasets=[figures],
            pipeline=[],
        ),
        'wrapped': dict(type='RepeatDataset', dataset=figures, times=2),
        'outside': dict(
            type='CombinedDataset',
            metainfo=FIGURES_METAINFO,
            datasets=[figures],
            pipeline=[converter],
        ),
    }
    dataset = DATASETS.build(data.get(place, figures))
    assert loses_visibility(dataset) == (not prefix)
