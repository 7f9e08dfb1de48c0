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
DPI = 80
# The middles of the left column's cells and of the first two joints', in inches from
# the left and from the top.
INPUT, POSE = (0.845, 1.05), (0.845, 2.67)
DETECTOR, REFINER = (2.765, 1.05), (2.765, 2.67)
SECOND_DETECTOR = (4.385, 1.05)


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


@pytest.mark.parametrize(
    ('truth', 'occluded', 'hollow'),
    [
        (None, None, True),  # The detector does not see it, ...
        ([20, 30], None, True),
        ([20, 30], False, False),  # ... the list knows that it is visible.
        ([20, 30], True, True),
        ([np.nan, np.nan], False, True),
    ],
)
def test_a_joint_is_hollow_by_the_truth_if_that_is_known(
    view, tmp_path, truth, occluded, hollow
):
    view.keypoints[:] = [[20, 30], [4, 30], [36, 8], [36, 50]]
    view.visible[0] = 0.1
    if truth is not None:
        view.truth = np.array([truth] * 4, float)
    if occluded is not None:
        view.occluded = np.array([occluded] * 4)
    view.joints['keypoint_colors'] = np.array([[250, 0, 0]] * 4)
    # The middle of a ring is white, that of a disc has the joint's colour.
    _, green, red = at(panel(view, tmp_path / 'x.png'), POSE)
    assert red > 100 and (green > 100) == hollow


def test_names_of_joints_are_no_formulas(view, tmp_path):
    view.joints['keypoint_id2name'][0] = 'a$\\frac$'
    assert panel(view, tmp_path / 'x.png').any()


def test_known_occluded_joints_come_first(view):
    view.occluded = np.array([False, False, False, True])
    assert choose_joints(view, 2) == [0, 3]


def panel(view: CascadeView, path, joints=(0, 1)) -> np.ndarray:
    draw_cascade_panel(view, joints, path, dpi=DPI)
    return cv2.imread(str(path)).astype(int)


def at(picture: np.ndarray, place: tuple[float, float]) -> np.ndarray:
    column, row = (round(DPI * inches) for inches in place)
    return picture[row, column]


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


def test_photo_and_pose_have_their_places_and_colours(view, tmp_path):
    view.image[:] = [200, 100, 50]  # BGR
    # The first joint is in the middle of the crop.
    view.keypoints[:] = [[20, 30], [4, 30], [36, 8], [36, 50]]
    view.joints['keypoint_colors'] = np.array([[250, 0, 0]] * 4)
    picture = panel(view, tmp_path / 'x.png')
    np.testing.assert_allclose(at(picture, INPUT), [200, 100, 50], atol=3)
    np.testing.assert_allclose(at(picture, POSE), [0, 0, 250], atol=3)


def test_each_subnetwork_has_its_own_row(view, tmp_path):
    view.detector, view.refiner = np.zeros((2, 4, 24, 24), np.float32)
    before = panel(view, tmp_path / 'x.png')
    for maps, place in ((view.detector, DETECTOR), (view.refiner, REFINER)):
        maps[0, 8:16, 8:16] = 0.9
        rows, _ = np.nonzero((panel(view, tmp_path / 'x.png') != before).any(-1))
        maps[:] = 0
        # Half a cell and some of a gap.
        assert np.abs(rows / DPI - place[1]).max() < 0.81


def test_the_truth_is_where_the_crop_shows_it(view, tmp_path):
    view.truth = np.full((4, 2), np.nan)
    before = panel(view, tmp_path / 'x.png', [0])
    view.truth[0] = view.center
    after = panel(view, tmp_path / 'x.png', [0])
    rows, columns = np.nonzero((before != after).any(-1)) / np.array(DPI)
    assert columns.mean() == pytest.approx(DETECTOR[0], abs=0.02)
    upper = rows < (DETECTOR[1] + REFINER[1]) / 2
    assert rows[upper].mean() == pytest.approx(DETECTOR[1], abs=0.02)
    assert rows[~upper].mean() == pytest.approx(REFINER[1], abs=0.02)


def test_a_row_s_scale_is_that_of_its_largest_value(view, tmp_path):
    view.detector[:2] = np.float32([0.1, 0.9])[:, None, None]
    first, second = (
        panel(view, tmp_path / 'x.png', joints) for joints in ([0, 1], [1, 0])
    )
    # Which of them comes first changes no colour.
    for one, other in ((DETECTOR, SECOND_DETECTOR), (SECOND_DETECTOR, DETECTOR)):
        np.testing.assert_allclose(at(first, one), at(second, other), atol=3)


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
