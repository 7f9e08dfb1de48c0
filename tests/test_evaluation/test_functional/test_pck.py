"""Checks of the rates against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from phr_mmpose.datasets.joints import LSP_JOINTS, MPII_JOINTS
from phr_mmpose.evaluation.functional.pck import (
    column_joints,
    column_rates,
    joint_rates,
    normalized_distances,
    splits,
    torso_lengths,
)
from phr_mmpose.utils.errors import UserError

LSP = column_joints(LSP_JOINTS)
MPII = column_joints(MPII_JOINTS)


def all_hit(number: int, joints: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((number, joints)), np.ones((number, joints), bool)


def test_columns_of_lsp_are_those_of_its_kit():
    # The kit counts from 1: ankle 1 6, knee 2 5, hip 3 4, wrist 7 12, elbow 8 11,
    # shoulder 9 10, head 13 14.
    assert LSP == {
        'Head': (12, 13),
        'Shoulder': (8, 9),
        'Elbow': (7, 10),
        'Wrist': (6, 11),
        'Hip': (2, 3),
        'Knee': (1, 4),
        'Ankle': (0, 5),
    }


def test_columns_of_mpii_leave_out_pelvis_and_thorax():
    assert MPII == {
        'Head': (8, 9),
        'Shoulder': (12, 13),
        'Elbow': (11, 14),
        'Wrist': (10, 15),
        'Hip': (2, 3),
        'Knee': (1, 4),
        'Ankle': (0, 5),
    }


def test_torso_runs_from_left_shoulder_to_right_hip():
    keypoints = np.zeros((3, 14, 2))
    keypoints[:, 9] = (3, 4)
    keypoints[1, 2] = (3, 4)
    annotated = np.ones((3, 14))
    annotated[2, 2] = 0
    lengths = torso_lengths(keypoints, annotated, left_shoulder=9, right_hip=2)
    # A torso without length or without one of its joints is no reference.
    np.testing.assert_array_equal(lengths, [5, np.nan, np.nan])


def test_distances_by_hand():
    gt = np.array([[[0, 0], [10, 10]]])
    pred = np.array([[[3, 4], [np.nan, 10]]])
    distances = normalized_distances(pred, gt, np.array([10.0]))
    np.testing.assert_array_equal(distances, [[0.5, np.inf]])


def test_unsigned_coordinates_do_not_wrap():
    gt, pred = np.full((1, 1, 2), 5, np.uint8), np.full((1, 1, 2), 2, np.uint8)
    distances = normalized_distances(pred, gt, np.ones(1))
    np.testing.assert_allclose(distances, [[np.sqrt(18)]])


def test_reference_must_be_positive():
    with pytest.raises(UserError, match=r'person 1 .* 0 px'):
        normalized_distances(*np.zeros((2, 2, 1, 2)), np.array([1.0, 0.0]))


def test_shapes_must_agree():
    with pytest.raises(UserError, match=r'\(2, 14, 2\).*\(2, 16, 2\)'):
        normalized_distances(np.zeros((2, 14, 2)), np.zeros((2, 16, 2)), np.ones(2))


@pytest.mark.parametrize('distance, rate', [(5.0, 100), (np.nextafter(5, 6), 100)])
def test_a_joint_on_the_threshold_is_a_hit(distance, rate):
    # 5 of 25 px is the threshold itself; one unit in the last place is rounding.
    gt = np.zeros((1, 1, 2))
    pred = np.array([[[distance, 0.0]]])
    distances = normalized_distances(pred, gt, np.array([25.0]))
    assert joint_rates(distances, np.ones((1, 1)), 0.2) == [rate]


def test_a_joint_beyond_the_threshold_is_a_miss():
    distances = np.array([[0.2 + 1e-7]])
    assert joint_rates(distances, np.ones((1, 1)), 0.2) == [0]


@given(
    st.floats(5, 500), st.floats(0, 2 * np.pi), st.tuples(*[st.floats(-300, 300)] * 2)
)
def test_a_shift_by_exactly_the_threshold_is_a_hit(torso, angle, origin):
    gt = np.array([[origin]])
    pred = gt + 0.2 * torso * np.array([np.cos(angle), np.sin(angle)])
    distances = normalized_distances(pred, gt, np.array([torso]))
    assert joint_rates(distances, np.ones((1, 1)), 0.2) == [100]


def test_missing_predictions_are_misses_and_unannotated_joints_do_not_count():
    distances = np.array([[np.inf, 0.1], [0.1, 0.1], [0.1, 9.0]])
    counted = np.array([[1, 1], [1, 1], [1, 0]])
    np.testing.assert_allclose(joint_rates(distances, counted, 0.2), [200 / 3, 100])


def test_a_person_without_reference_does_not_count():
    distances, counted = all_hit(2, 14)
    distances[1] = np.nan
    assert column_rates(distances, counted, LSP, 0.2)['Total'] == 100


def test_head_is_the_mean_of_neck_and_head_top():
    distances, counted = all_hit(4, 14)
    distances[:1, 12] = 1
    distances[:2, 13] = 1
    rates = column_rates(distances, counted, LSP, 0.2)
    assert rates['Head'] == (75 + 50) / 2
    assert rates['Shoulder'] == 100


def test_total_of_lsp_is_the_mean_of_fourteen_joints():
    distances, counted = all_hit(2, 14)
    distances[:, 0] = 1
    distances[0, 13] = 1
    rates = column_rates(distances, counted, LSP, 0.2)
    assert rates['Total'] == pytest.approx((12 * 100 + 0 + 50) / 14)


@pytest.mark.parametrize('off', [0, 9])
def test_total_of_mpii_pools_joints_and_leaves_out_pelvis_and_thorax(off):
    distances, counted = all_hit(2, 16)
    distances[:, 6:8] = off
    # One of three counted wrists missed: the column is the mean of 100 and 0 …
    counted[1, 15] = False
    distances[0, 15] = 9
    rates = column_rates(distances, counted, MPII, 0.5)
    assert rates['Wrist'] == 50
    # … but Total counts instances: 26 of the 27.
    assert rates['Total'] == pytest.approx(100 * 26 / 27)


def test_a_column_without_instances_is_nan_and_one_sided_columns_take_that_side():
    distances, counted = all_hit(2, 14)
    counted[:, [0, 5, 1]] = False
    rates = column_rates(distances, counted, LSP, 0.2)
    assert np.isnan(rates['Ankle'])
    assert rates['Knee'] == 100


def test_ties_of_the_printed_digit_follow_the_kit():
    # 1,000 persons: (89.3 + 89.2) / 2 falls between 89.2 and 89.3, and the kit's
    # order of operations decides which is printed: 100 * mean, then the mean of both.
    distances, counted = all_hit(1000, 14)
    distances[:107, 12] = 1
    distances[:108, 13] = 1
    kit = (
        100 * np.mean(distances[:, 12] <= 0.2) + 100 * np.mean(distances[:, 13] <= 0.2)
    ) / 2
    assert column_rates(distances, counted, LSP, 0.2)['Head'] == kit


@given(arrays(float, (7, 14), elements=st.floats(0, 1)), st.floats(0.01, 0.9))
def test_rates_grow_with_the_threshold_and_stay_in_range(distances, threshold):
    counted = np.ones((7, 14))
    low = column_rates(distances, counted, LSP, threshold)
    high = column_rates(distances, counted, LSP, threshold + 0.1)
    assert all(0 <= low[key] <= high[key] <= 100 for key in low)


def test_splits_by_visibility():
    annotated = np.array([[1, 1, 0]])
    masks = splits(annotated, np.array([[1, 0, 0]]))
    assert list(masks) == ['all', 'visible', 'occluded']
    np.testing.assert_array_equal(masks['visible'], [[True, False, False]])
    np.testing.assert_array_equal(masks['occluded'], [[False, True, False]])


@pytest.mark.parametrize(
    'visible, names',
    [(None, ['all']), ([[1, 1]], ['all', 'visible']), ([[0, 0]], ['all', 'occluded'])],
)
def test_unknown_visibility_and_empty_splits_are_left_out(visible, names):
    assert list(splits(np.ones((1, 2)), visible)) == names
