import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr_mmpose.datasets.body_size import LSP_SCALE, joint_boxes, relative_size
from phr_mmpose.datasets.joints import LSP_JOINTS
from phr_mmpose.datasets.readers.lsp import read_lsp_folder

RIGHT_KNEE = LSP_JOINTS.index('right_knee')
RIGHT_HIP = LSP_JOINTS.index('right_hip')
RIGHT_ANKLE = LSP_JOINTS.index('right_ankle')
ALL = np.ones((1, 14), bool)


def only(*indices):
    labelled = np.zeros((1, 14), bool)
    labelled[0, list(indices)] = True
    return labelled


def test_the_crop_of_the_protocol():
    # Box side 200 x scale, enlarged by 1.25, is 0.89 x 200 px.
    side = LSP_SCALE * 200 * 1.25
    assert side == pytest.approx(178)


def test_one_segment_gives_its_ratio():
    joints = np.zeros((1, 14, 2))
    joints[0, RIGHT_KNEE] = [0, 65.2]  # LSP's median thigh: 32.6 px
    assert relative_size(joints, only(RIGHT_KNEE, RIGHT_HIP)) == pytest.approx(2.0)


def test_long_segments_weigh_more():
    joints = np.zeros((1, 14, 2))
    joints[0, RIGHT_KNEE] = [30, 0]
    joints[0, RIGHT_ANKLE] = [30, 40]
    size = relative_size(joints, only(RIGHT_KNEE, RIGHT_HIP, RIGHT_ANKLE))
    assert size == pytest.approx(np.sqrt((30**2 + 40**2) / (32.6**2 + 35.3**2)))


def test_without_a_whole_segment_the_size_is_unknown():
    joints = np.zeros((1, 14, 2))
    assert np.isnan(relative_size(joints, only(RIGHT_KNEE)))[0]
    centers, scales = joint_boxes(joints, only(RIGHT_KNEE))
    assert scales[0] == LSP_SCALE
    centers, scales = joint_boxes(joints, only())
    assert np.isnan(centers).all()
    assert np.isnan(scales).all()


def test_a_box_is_about_the_labelled_joints():
    joints = np.full((1, 14, 2), 1000.0)
    joints[0, RIGHT_HIP] = [10, 20]
    joints[0, RIGHT_KNEE] = [10, 52.6]
    centers, scales = joint_boxes(joints, only(RIGHT_HIP, RIGHT_KNEE))
    assert centers[0].tolist() == pytest.approx([10, 36.3])
    assert scales[0] == pytest.approx(LSP_SCALE)


def test_a_long_box_gets_room():
    joints = np.zeros((1, 14, 2))
    wrist = LSP_JOINTS.index('left_wrist')
    joints[0, wrist] = [900, 0]
    joints[0, RIGHT_KNEE] = [0, 32.6]
    _, scales = joint_boxes(joints, only(RIGHT_HIP, RIGHT_KNEE, wrist))
    assert scales[0] * 250 == pytest.approx(900 / 0.9)


@given(seed=st.integers(0, 1000), factor=st.floats(0.1, 10), shift=st.floats(-500, 500))
def test_size_follows_the_picture(seed, factor, shift):
    joints = np.random.default_rng(seed).uniform(0, 150, (1, 14, 2))
    centers, scales = joint_boxes(joints, ALL)
    moved_centers, moved_scales = joint_boxes(joints * factor + shift, ALL)
    np.testing.assert_allclose(moved_scales, scales * factor, rtol=1e-6)
    np.testing.assert_allclose(moved_centers, centers * factor + shift, atol=1e-6)


def test_real_bodies_have_one_size_in_the_crops_of_both_sets(data_root):
    lsp = read_lsp_folder(data_root / 'lsp').lists
    sizes = np.concatenate(
        [relative_size(part.joints, part.annotated) for part in lsp.values()]
    )
    assert np.median(sizes) == pytest.approx(1, abs=0.01)
    assert np.log(sizes).std() < 0.07

    (lspet,) = read_lsp_folder(data_root / 'lspet', check_photos=False).lists.values()
    in_crop = relative_size(lspet.joints, lspet.annotated) * LSP_SCALE / lspet.scales
    assert np.median(in_crop) == pytest.approx(1, abs=0.01)
    # Bodies are never larger than LSP's; only foreshortened ones get smaller.
    assert in_crop.max() < 1.01
    assert (in_crop < 0.95).mean() < 0.05
