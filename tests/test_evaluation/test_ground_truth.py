"""Ground truth of both benchmarks, real and faulty."""

import json
from itertools import permutations

import numpy as np
import pytest
import scipy.io
from mat_samples import save_mat73

from phr_mmpose.evaluation.ground_truth import load_lsp, load_mpii, read_head_boxes
from phr_mmpose.utils.errors import UserError

BOXES = np.array([[10.0, 20, 40, 60], [3, 2, 6, 6], [100, 7, 130, 47]])


def save_list(path, number=3, joints=16, head_box=True):
    entries = []
    for index in range(number):
        entry = {
            'image': f'{index}.jpg',
            'center': [50, 50],
            'scale': 1.0,
            'joints': [[10.0 * joint, 5.0 * index] for joint in range(joints)],
            'joints_vis': [1] * (joints - 1) + [0],
            'joints_visible': [0] + [1] * (joints - 2) + [0],
        }
        if head_box:
            entry['head_box'] = BOXES[index].tolist()
        entries.append(entry)
    path.write_text(json.dumps(entries))
    return path


@pytest.mark.parametrize('name', ['joints.mat', 'joints_observer_centric.mat'])
def test_test_half_of_lsp(data_root, name):
    path = data_root / 'lsp' / name
    truth = load_lsp(path)
    raw = scipy.io.loadmat(path)['joints'][:, :, 1000:]
    np.testing.assert_array_equal(truth.joints, raw[:2].transpose(2, 1, 0))
    assert truth.annotated.all()
    np.testing.assert_array_equal(truth.visible, raw[2].T == 0)
    torso = np.hypot(*(raw[:2, 9] - raw[:2, 2]))
    np.testing.assert_allclose(truth.reference, torso)
    assert truth.chosen == {1000: slice(None), 2000: slice(1000, None)}


def test_a_cut_of_lsp_is_scored_whole(tmp_path):
    path = tmp_path / 'cut.mat'
    scipy.io.savemat(path, {'joints': np.random.default_rng(0).random((2, 14, 5))})
    truth = load_lsp(path)
    assert truth.chosen == {5: slice(None)}
    assert truth.visible is None


def test_a_list_is_scored_whole_however_long_it_is(tmp_path):
    """Only LSP's own file of 2,000 persons has a test half."""
    truth = load_lsp(save_list(tmp_path / 'list.json', 2000, joints=14, head_box=False))
    assert truth.chosen == {2000: slice(None)}
    assert len(truth.joints) == 2000


def test_lsp_from_a_list(tmp_path):
    truth = load_lsp(save_list(tmp_path / 'lsp_test.json', joints=14))
    np.testing.assert_allclose(truth.reference, 70)
    assert not truth.annotated[:, 13].any()
    assert not truth.visible[:, 0].any()


@pytest.mark.parametrize('shape', [(3, 14), (4, 14, 50), (14, 3, 14)])
def test_other_mat_files_are_refused(tmp_path, shape):
    path = tmp_path / 'joints.mat'
    scipy.io.savemat(path, {'joints': np.zeros(shape)})
    with pytest.raises(UserError, match=r'not the joints\.mat of LSP.*it holds joints'):
        load_lsp(path)


@pytest.mark.parametrize('order', list(permutations(range(3))))
def test_lsp_in_any_order_but_lspet_s(tmp_path, order):
    joints = np.random.default_rng(0).random((3, 14, 5))
    path = tmp_path / 'joints.mat'
    scipy.io.savemat(path, {'joints': joints.transpose(order)})
    if order in ((1, 0, 2), (2, 0, 1)):
        with pytest.raises(UserError, match='but of LSPET'):
            load_lsp(path)
        return
    truth = load_lsp(path)
    np.testing.assert_array_equal(truth.joints, joints[:2].transpose(2, 1, 0))


def test_lsp_of_version_7_3(tmp_path):
    joints = np.random.default_rng(0).random((3, 14, 5))
    joints[2] = 0
    joints[2, 4, 1] = 1
    truth = load_lsp(save_mat73(tmp_path / 'joints.mat', {'joints': joints}))
    np.testing.assert_array_equal(truth.joints, joints[:2].transpose(2, 1, 0))
    assert np.argwhere(~truth.visible).tolist() == [[1, 4]]


@pytest.mark.parametrize('value', [np.nan, 1e300])
def test_no_pixels_in_lsp(tmp_path, value):
    path = tmp_path / 'joints.mat'
    joints = np.ones((3, 14, 5))
    joints[0, 2, 3] = value
    scipy.io.savemat(path, {'joints': joints})
    with pytest.raises(UserError, match='person 4 has joints that are no pixels'):
        load_lsp(path)


def test_lsp_without_any_torso(tmp_path):
    path = tmp_path / 'joints.mat'
    scipy.io.savemat(path, {'joints': np.ones((3, 14, 5))})
    with pytest.raises(UserError, match='left shoulder and right hip'):
        load_lsp(path)


def test_mpii_with_head_boxes_in_the_list(tmp_path):
    truth = load_mpii(save_list(tmp_path / 'list.json'))
    np.testing.assert_allclose(truth.reference, [30, 3, 30])
    assert (truth.thr, truth.extra_thrs) == (0.5, (0.1,))


def test_mpii_without_head_boxes(tmp_path):
    path = save_list(tmp_path / 'list.json', head_box=False)
    with pytest.raises(UserError, match=r'3 of 3 persons .* --headboxes'):
        load_mpii(path)
    np.save(tmp_path / 'boxes.npy', BOXES)
    truth = load_mpii(path, tmp_path / 'boxes.npy')
    np.testing.assert_allclose(truth.reference, [30, 3, 30])


CORNERS = BOXES.reshape(3, 2, 2)


@pytest.mark.parametrize(
    'array',
    [
        BOXES,
        BOXES.T,
        # gt_valid.mat: corner, x and y, person; and as HDF5 turns it round.
        CORNERS.transpose(1, 2, 0),
        CORNERS.transpose(2, 1, 0),
        CORNERS,
        CORNERS.transpose(0, 2, 1),
    ],
)
def test_head_boxes_any_way_round(tmp_path, array):
    path = tmp_path / 'gt_valid.mat'
    others = {'pos_gt_src': np.zeros((16, 2, 3)), 'jnt_missing': np.zeros((16, 3))}
    scipy.io.savemat(path, {'headboxes_src': array, **others})
    np.testing.assert_array_equal(read_head_boxes(path, 3), BOXES)


def test_head_boxes_as_json(tmp_path):
    path = tmp_path / 'boxes.json'
    path.write_text(json.dumps(BOXES.tolist()))
    np.testing.assert_array_equal(read_head_boxes(path, 3), BOXES)


def test_head_boxes_of_another_set(tmp_path):
    np.save(tmp_path / 'boxes.npy', BOXES)
    with pytest.raises(UserError, match=r'for 7 persons .* an array 3 x 4'):
        read_head_boxes(tmp_path / 'boxes.npy', 7)


@pytest.mark.parametrize('corner', [np.nan, 3, np.inf])
def test_an_empty_head_box_is_named(tmp_path, corner):
    boxes = BOXES.copy()
    boxes[1, 2] = corner
    np.save(tmp_path / 'boxes.npy', boxes)
    with pytest.raises(UserError, match='head box of person 1 '):
        read_head_boxes(tmp_path / 'boxes.npy', 3)
