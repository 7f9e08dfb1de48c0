import numpy as np
import pytest
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from phr_mmpose.datasets import joints


def test_lsp_to_mpii_map_is_the_authors():
    # LSP 1-6 -> MPII 1-6, 7-12 -> 11-16, neck and head top -> 9, 10 (from 1).
    from_one = [*range(1, 7), *range(11, 17), 9, 10]
    assert [index + 1 for index in joints.LSP_TO_MPII] == from_one


def test_mapped_values_keep_their_joint_and_leave_pelvis_and_thorax():
    values = np.arange(14)[None]
    mapped = joints.lsp_to_mpii(values, fill=-1)
    assert mapped.tolist() == [
        [0, 1, 2, 3, 4, 5, -1, -1, 12, 13, 6, 7, 8, 9, 10, 11],
    ]
    assert (joints.mpii_to_lsp(mapped) == values).all()


def test_mapping_keeps_trailing_axes_and_dtype():
    values = np.ones((3, 14, 2), dtype=bool)
    mapped = joints.lsp_to_mpii(values)
    assert mapped.shape == (3, 16, 2)
    assert mapped.dtype == bool
    assert not mapped[:, [6, 7]].any()


def test_head_size_is_six_tenths_of_the_diagonal():
    boxes = np.array([[10, 20, 13, 24], [np.nan] * 4])
    np.testing.assert_allclose(joints.head_sizes(boxes), [3.0, np.nan])
    # One box alone, as a figure has it.
    np.testing.assert_allclose(joints.head_sizes(boxes[0]), [3.0])


FLIPPED = {
    joints.MPII_JOINTS: [5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10],
    joints.LSP_JOINTS: [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13],
}


@pytest.mark.parametrize(
    ('metainfo', 'dataset', 'names', 'weightless'),
    [
        (joints.MPII_METAINFO, 'mpii', joints.MPII_JOINTS, []),
        (joints.FIGURES_METAINFO, 'figures', joints.MPII_JOINTS, []),
        (joints.LSP_METAINFO, 'lsp', joints.MPII_JOINTS, [6, 7]),
        (joints.LSPET_METAINFO, 'lspet', joints.MPII_JOINTS, [6, 7]),
        (joints.LSP14_METAINFO, 'lsp', joints.LSP_JOINTS, []),
        (joints.LSPET14_METAINFO, 'lspet', joints.LSP_JOINTS, []),
    ],
)
def test_mmpose_reads_the_metainfo(metainfo, dataset, names, weightless):
    parsed = parse_pose_metainfo(metainfo)
    assert parsed['dataset_name'] == dataset
    assert tuple(parsed['keypoint_id2name'].values()) == names
    assert parsed['flip_indices'] == FLIPPED[names]
    assert set(parsed['upper_body_ids']) | set(parsed['lower_body_ids']) == set(
        range(len(names))
    )
    weights = parsed['dataset_keypoint_weights']
    assert np.flatnonzero(weights == 0).tolist() == weightless
    assert len(parsed['sigmas']) == len(parsed['keypoint_colors']) == len(names)
    # Every joint hangs on the skeleton.
    assert {end for link in parsed['skeleton_links'] for end in link} == set(
        range(len(names))
    )


@pytest.mark.parametrize('metainfo', [joints.MPII_METAINFO, joints.LSP14_METAINFO])
def test_each_side_has_its_colour_and_what_joins_them_the_middles(metainfo):
    parsed = parse_pose_metainfo(metainfo)
    names = parsed['keypoint_id2name']
    sides = [names[joint].partition('_')[0] for joint in range(len(names))]
    sides = [side if side in ('right', 'left') else 'middle' for side in sides]
    colours = dict(zip(sides, map(tuple, parsed['keypoint_colors']), strict=True))
    assert len(set(colours.values())) == 3
    for side, colour in zip(sides, parsed['keypoint_colors'], strict=True):
        assert tuple(colour) == colours[side]
    links = zip(parsed['skeleton_links'], parsed['skeleton_link_colors'], strict=True)
    for (start, end), colour in links:
        (side, *others) = {sides[start], sides[end]} - {'middle'} or {'middle'}
        assert tuple(colour) == colours['middle' if others else side]


def test_mpii_agrees_with_mmpose():
    theirs = parse_pose_metainfo({'from_file': 'configs/_base_/datasets/mpii.py'})
    ours = parse_pose_metainfo(joints.MPII_METAINFO)
    for key in ('keypoint_name2id', 'flip_indices', 'upper_body_ids', 'lower_body_ids'):
        assert ours[key] == theirs[key]
