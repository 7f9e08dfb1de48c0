"""Poses on a photo: strokes where the joints are, colours by side."""

import numpy as np
import pytest

from phr_mmpose.visualization.poses import draw_poses

RIGHT, LEFT, MIDDLE = (230, 120, 0), (86, 180, 233), (240, 228, 66)
# Two hips and a neck.
JOINTS = dict(
    keypoint_colors=np.array([RIGHT, LEFT, MIDDLE], np.uint8),
    skeleton_links=[(0, 2), (1, 2), (0, 1)],
    skeleton_link_colors=np.array([RIGHT, LEFT, MIDDLE], np.uint8),
)
POINTS = np.array([[[80, 320], [320, 320], [200, 80]]], np.float32)


@pytest.fixture
def image() -> np.ndarray:
    return np.full((400, 400, 3), 128, np.uint8)


def rgb(picture: np.ndarray, x: int, y: int) -> tuple[int, ...]:
    return tuple(picture[y, x, ::-1].tolist())


def test_joints_and_limbs_have_their_colours(image):
    drawn = draw_poses(image, POINTS, JOINTS)
    assert rgb(drawn, 80, 320) == RIGHT
    assert rgb(drawn, 320, 320) == LEFT
    assert rgb(drawn, 200, 80) == MIDDLE
    # Half-way between: each hip's limb, and the one from hip to hip.
    assert rgb(drawn, 140, 200) == RIGHT
    assert rgb(drawn, 260, 200) == LEFT
    assert rgb(drawn, 200, 320) == MIDDLE
    assert rgb(drawn, 200, 200) == (128, 128, 128)
    assert (image == 128).all()


def test_hollow_joints_are_rings_with_dashed_limbs(image):
    whole = draw_poses(image, POINTS, JOINTS)
    hollow = np.array([[True, False, False]])
    drawn = draw_poses(image, POINTS, JOINTS, hollow)
    assert rgb(drawn, 80, 320) == (255, 255, 255)
    assert rgb(drawn, 320, 320) == LEFT
    along = [rgb(drawn, x, 320) for x in range(100, 301)]
    assert MIDDLE in along and (128, 128, 128) in along
    # The limb that does not end in it is whole.
    np.testing.assert_array_equal(drawn[120:280, 240:304], whole[120:280, 240:304])


def test_strokes_grow_with_the_person():
    canvas = np.zeros((1600, 1600, 3), np.uint8)
    small = (draw_poses(canvas, POINTS, JOINTS) > 0).any(axis=2).sum()
    large = (draw_poses(canvas, 4 * POINTS, JOINTS) > 0).any(axis=2).sum()
    # All strokes four times as long and wide, but for rounding.
    assert 10 < large / small < 20


def test_no_person_and_joints_far_outside_leave_the_photo_alone(image):
    nobody = np.zeros((0, 3, 2), np.float32)
    assert (draw_poses(image, nobody, JOINTS) == 128).all()
    away = np.full((1, 3, 2), 1e9, np.float32)
    assert (draw_poses(image, away, JOINTS) == 128).all()
