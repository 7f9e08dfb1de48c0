"""Saved predictions, in every shape that models leave behind."""

from itertools import permutations

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phr_mmpose.datasets.joints import lsp_to_mpii, mpii_to_lsp
from phr_mmpose.evaluation.ground_truth import GroundTruth, load_lsp
from phr_mmpose.evaluation.predictions import COMMON_KEYS, load_predictions
from phr_mmpose.utils.errors import UserError


def make_truth(tmp_path, number: int) -> GroundTruth:
    path = tmp_path / 'truth.mat'
    joints = np.random.default_rng(number).uniform(1, 200, (2, 14, number))
    scipy.io.savemat(path, {'joints': joints})
    return load_lsp(path)


@pytest.fixture
def truth(tmp_path) -> GroundTruth:
    return make_truth(tmp_path, 5)


@settings(
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    number=st.sampled_from([1, 2, 3, 5, 14, 16, 30]),
    joints=st.sampled_from([14, 16]),
    components=st.sampled_from([2, 3]),
    order=st.sampled_from(list(permutations(range(3)))),
    one_based=st.booleans(),
)
def test_any_order_of_axes(tmp_path, number, joints, components, order, one_based):
    """Sizes that coincide (14 persons of 14 joints) are told apart by the truth."""
    truth = make_truth(tmp_path, number)
    noise = np.random.default_rng(0).normal(size=truth.joints.shape)
    wanted = truth.joints + noise
    poses = wanted if joints == 14 else lsp_to_mpii(wanted)
    poses = poses - (0 if one_based else 1)
    if components == 3:
        poses = np.concatenate([poses, np.ones_like(poses[..., :1])], axis=-1)
    path = tmp_path / 'pred.npy'
    np.save(path, poses.transpose(order))
    found = load_predictions(path, truth, one_based)
    np.testing.assert_allclose(found.joints, wanted)


def test_ambiguous_sizes_are_told(tmp_path):
    truth = make_truth(tmp_path, 14)
    np.save(tmp_path / 'pred.npy', truth.joints.transpose(2, 1, 0))
    (note,) = load_predictions(tmp_path / 'pred.npy', truth, one_based=True).notes
    assert 'took the nearest to the ground truth, 2 x joints x persons' in note


@pytest.mark.parametrize('key', [*COMMON_KEYS, 'anything'])
def test_any_key_of_a_single_array(tmp_path, truth, key):
    scipy.io.savemat(tmp_path / 'pred.mat', {key: truth.joints})
    found = load_predictions(tmp_path / 'pred.mat', truth, one_based=True)
    np.testing.assert_array_equal(found.joints, truth.joints)
    assert found.notes == []


def test_a_common_key_goes_before_others_that_fit(tmp_path, truth):
    path = tmp_path / 'pred.mat'
    arrays = {'pos_gt_src': truth.joints, 'pos_pred_src': truth.joints + 1}
    scipy.io.savemat(path, arrays)
    found = load_predictions(path, truth, one_based=True)
    np.testing.assert_array_equal(found.joints, truth.joints + 1)


def test_arrays_that_do_not_fit_are_passed_over(tmp_path, truth):
    path = tmp_path / 'pred.npz'
    np.savez(path, preds=np.zeros((7, 14, 2)), scores=np.zeros(5), mine=truth.joints)
    found = load_predictions(path, truth, one_based=True)
    np.testing.assert_array_equal(found.joints, truth.joints)


@pytest.mark.parametrize('names', [('preds', 'joints'), ('first', 'second')])
def test_ambiguous_keys_are_listed_and_one_may_be_chosen(tmp_path, truth, names):
    path = tmp_path / 'pred.npz'
    np.savez(path, **{name: truth.joints + i for i, name in enumerate(names)})
    with pytest.raises(UserError, match=f'--key: {names[0]} 5 x 14 x 2, {names[1]} 5'):
        load_predictions(path, truth)
    found = load_predictions(path, truth, one_based=True, key=names[1])
    np.testing.assert_array_equal(found.joints, truth.joints + 1)
    with pytest.raises(UserError, match=f'no array "other"; it holds {names[0]}'):
        load_predictions(path, truth, key='other')


@pytest.mark.parametrize('shape', [(6, 14, 2), (5, 15, 2), (5, 14), (5, 14, 2, 2), ()])
def test_shapes_that_do_not_fit(tmp_path, truth, shape):
    np.savez(tmp_path / 'pred.npz', preds=np.zeros(shape))
    text = r'no order of axes gives 5 persons x 14 or 16 joints x 2; it holds preds'
    with pytest.raises(UserError, match=text):
        load_predictions(tmp_path / 'pred.npz', truth)


def test_missing_joints_are_told(tmp_path, truth):
    joints = truth.joints.copy()
    joints[2, 3, 0] = np.nan
    np.save(tmp_path / 'pred.npy', joints)
    found = load_predictions(tmp_path / 'pred.npy', truth)
    assert found.notes[0].endswith(
        '1 joints have no prediction (NaN, or far from any photo); they count as misses'
    )
    # As far away as this, squares overflow.
    joints[2, 3, 0] = 1e300
    np.save(tmp_path / 'pred.npy', joints)
    far = load_predictions(tmp_path / 'pred.npy', truth)
    assert far.notes == found.notes
    np.testing.assert_array_equal(far.joints, found.joints)
    np.save(tmp_path / 'pred.npy', np.full_like(joints, np.nan))
    with pytest.raises(UserError, match='no number is a pixel'):
        load_predictions(tmp_path / 'pred.npy', truth)


@pytest.mark.parametrize('suffix', ['.npy', '.h5'])
@pytest.mark.parametrize('first', [0, 1])
def test_a_hint_where_the_other_grid_fits_better(tmp_path, truth, suffix, first):
    noise = np.random.default_rng(0).normal(0, 2, truth.joints.shape)
    # The ground truth counts from 1.
    poses = truth.joints + noise - 1 + first
    path = tmp_path / f'pred{suffix}'
    if suffix == '.npy':
        np.save(path, poses)
    else:
        with h5py.File(path, 'w') as file:
            file['preds'] = poses
    assert load_predictions(path, truth, one_based=bool(first)).notes == []
    (note,) = load_predictions(path, truth, one_based=not first).notes
    assert f'from {first} it would fit better' in note and str(path) in note
    assert ('add' if first else 'leave out') + ' --one-based' in note


def test_mpii_joints_are_mapped_by_name(tmp_path, truth):
    poses = np.random.default_rng(1).random((5, 16, 2))
    np.save(tmp_path / 'pred.npy', poses)
    found = load_predictions(tmp_path / 'pred.npy', truth, one_based=True)
    np.testing.assert_array_equal(found.joints, mpii_to_lsp(poses))


@pytest.mark.parametrize('first', [0, 1000])
def test_all_of_lsp_or_its_test_half(data_root, tmp_path, first):
    path = data_root / 'lsp' / 'joints.mat'
    truth = load_lsp(path)
    joints = scipy.io.loadmat(path)['joints'][:2, :, first:]
    scipy.io.savemat(tmp_path / 'pred.mat', {'pred': joints})
    found = load_predictions(tmp_path / 'pred.mat', truth, one_based=True)
    np.testing.assert_array_equal(found.joints, truth.joints)
