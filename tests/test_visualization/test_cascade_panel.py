"""The panel's choice of joints, its geometry and its file."""

import cv2
import numpy as np
import pytest

from phr_mmpose.utils.errors import UserError
from phr_mmpose.visualization.cascade_panel import (
    CascadeView,
    choose_joints,
    draw_cascade_panel,
)

NAMES = ('right_hip', 'left_hip', 'upper_neck', 'head_top')


@pytest.fixture
def view() -> CascadeView:
    detector = np.zeros((4, 24, 24), np.float32)
    detector[range(4), 5, [3, 6, 9, 12]] = [0.9, 0.1, 0.5, 0.7]
    return CascadeView(
        image=np.full((60, 40, 3), 100, np.uint8),
        center=np.array([20.0, 30.0]),
        size=np.array([48.0, 48.0]),
        detector=detector,
        refiner=detector[:, ::-1],
        keypoints=np.array([[2, 16], [8, 16], [14, 16], [20, 16]], np.float32),
        visible=np.array([0.9, 0.1, 0.5, 0.7]),
        joints=dict(
            keypoint_id2name=dict(enumerate(NAMES)),
            keypoint_colors=np.full((4, 3), 200),
            skeleton_links=[(0, 1), (2, 3)],
            skeleton_link_colors=np.full((2, 3), 200),
        ),
    )


def test_half_of_the_joints_are_those_the_detector_is_least_sure_of(view):
    assert choose_joints(view, 2) == [0, 1]
    assert choose_joints(view, 3) == [0, 1, 2]
    assert choose_joints(view, 9) == [0, 1, 2, 3]


def test_names_of_joints_are_no_formulas(view, tmp_path):
    view.joints['keypoint_id2name'][0] = 'a$\\frac$'
    assert panel(view, tmp_path / 'x.png').any()


def test_known_occluded_joints_come_first(view):
    view.occluded = np.array([False, False, False, True])
    assert choose_joints(view, 2) == [0, 3]


def panel(view: CascadeView, path) -> np.ndarray:
    draw_cascade_panel(view, [0, 1], path, dpi=80)
    return cv2.imread(str(path)).astype(int)


def test_the_panel_is_written_and_shows_what_is_known(view, tmp_path):
    plain = panel(view, tmp_path / 'plain.png')
    assert plain.shape[1] > plain.shape[0] > 150
    view.truth = np.array([[30, 40], [8, 16], [np.nan, np.nan], [20, 16]])
    view.occluded = np.array([False, True, False, False])
    known = panel(view, tmp_path / 'known.png')
    assert known.shape == plain.shape
    orange = np.abs(known - [0x00, 0x5E, 0xD5]).max(axis=2) < 12
    assert not (np.abs(plain - [0x00, 0x5E, 0xD5]).max(axis=2) < 12).any()
    # A dashed outline: only about the last column's cells, and with gaps.
    columns = np.flatnonzero(orange.sum(axis=0) > 40)
    assert len(columns) >= 2 and columns.min() > known.shape[1] / 2
    assert orange[:, columns[0]].sum() < 0.8 * known.shape[0]
    assert {path.name for path in tmp_path.iterdir()} == {'plain.png', 'known.png'}


def test_what_is_probably_hidden_is_hollow(view, tmp_path):
    pictures = {}
    for thr in (0.05, 0.2, 0.4, 0.6):
        draw_cascade_panel(view, [0], tmp_path / 'x.png', thr, dpi=80)
        pictures[thr] = cv2.imread(str(tmp_path / 'x.png'))
    # One joint becomes hollow at 0.1, the next at 0.5.
    assert (pictures[0.05] != pictures[0.2]).any()
    assert (pictures[0.2] == pictures[0.4]).all()
    assert (pictures[0.4] != pictures[0.6]).any()


def test_empty_maps_are_drawn_too(view, tmp_path):
    view.detector = view.refiner = np.zeros((4, 24, 24), np.float32)
    assert panel(view, tmp_path / 'empty.png').any()


def test_a_kind_of_file_that_cannot_be_drawn_is_refused(view, tmp_path):
    with pytest.raises(UserError, match='cannot draw this kind of file'):
        draw_cascade_panel(view, [0], tmp_path / 'panel.doc')
    assert not list(tmp_path.iterdir())


def test_a_detector_alone_has_one_row(view, tmp_path):
    both = panel(view, tmp_path / 'both.png')
    view.refiner = None
    alone = panel(view, tmp_path / 'alone.png')
    half, right = len(both) // 2, slice(both.shape[1] // 2, None)
    assert (alone[:half] == both[:half]).all()
    below = slice(6 * len(both) // 10, None)
    assert (alone[below, right] == 255).all()
    assert (both[below, right] != 255).any()
