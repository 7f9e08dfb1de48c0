"""Tiles and their grid."""

import cv2
import numpy as np
import pytest

from phr_mmpose.utils.errors import UserError
from projects.paper_study.tiles import TILE_SIDE, Tile, draw_gallery, pose_picture

RIGHT, LEFT, MIDDLE = (230, 120, 0), (86, 180, 233), (240, 228, 66)
# Two hips and a neck.
JOINTS = dict(
    keypoint_colors=np.array([RIGHT, LEFT, MIDDLE], np.uint8),
    skeleton_links=[(0, 2), (1, 2), (0, 1)],
    skeleton_link_colors=np.array([RIGHT, LEFT, MIDDLE], np.uint8),
)
POINTS = np.array([[80, 320], [320, 320], [200, 80]], np.float64)
ALL = np.zeros(3, bool)


def rgb(picture: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    scale = TILE_SIDE / 400
    return tuple(picture[round(y * scale), round(x * scale), ::-1].tolist())


def pose(points: np.ndarray, hollow: np.ndarray = ALL) -> np.ndarray:
    grey = np.full((400, 400, 3), 128, np.uint8)
    return pose_picture(grey, np.full(2, 200.0), 400, points, JOINTS, hollow)


def test_the_pose_moves_with_the_crop():
    picture = pose(POINTS)
    assert picture.shape == (TILE_SIDE, TILE_SIDE, 3)
    assert rgb(picture, 80, 320) == RIGHT
    assert rgb(picture, 320, 320) == LEFT
    assert rgb(picture, 200, 80) == MIDDLE
    assert rgb(picture, 200, 320) == MIDDLE
    assert rgb(picture, 200, 200) == (128, 128, 128)


def test_a_joint_without_a_place_is_left_out_with_its_limbs():
    points = POINTS.copy()
    points[0] = np.nan
    picture = pose(points, np.array([True, False, False]))
    assert rgb(picture, 80, 320) == (128, 128, 128)
    assert rgb(picture, 200, 320) == (128, 128, 128)
    assert rgb(picture, 260, 200) == LEFT
    assert rgb(picture, 320, 320) == LEFT
    points[:] = np.nan
    # The outermost pixels meet what is outside.
    assert (pose(points)[5:-5, 5:-5] == 128).all()


def test_hollow_joints_are_rings():
    assert rgb(pose(POINTS, np.array([False, True, False])), 320, 320) == (255,) * 3


def test_each_tile_is_in_its_place(tmp_path):
    """Two rows of two and one row of one, left to right, then down."""
    colours = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (250, 0, 250)]
    tiles = [Tile(np.full((9, 9, 3), colour, np.uint8), '0.1') for colour in colours]
    path = tmp_path / 'new' / 'grid.png'
    draw_gallery({'best': tiles[:4], 'worst': tiles[4:]}, 2, path, 'a note', dpi=50)
    picture = cv2.imread(str(path)).astype(int)
    places = []
    for colour in colours:
        rows, columns = np.nonzero((picture == colour).all(-1))
        assert len(rows) > 3000
        places.append((rows.mean(), columns.mean()))
    (a, b, c, d, e) = np.array(places)
    assert a[0] == b[0] < c[0] == d[0] < e[0]
    assert a[1] == c[1] == e[1] < b[1] == d[1]
    assert [entry.name for entry in path.parent.iterdir()] == ['grid.png']


def test_unknown_kind_of_picture(tmp_path):
    tile = Tile(np.zeros((9, 9, 3), np.uint8), '')
    with pytest.raises(UserError, match=r'grid\.xyz.*\.png'):
        draw_gallery({'best': [tile]}, 1, tmp_path / 'grid.xyz')
    assert not list(tmp_path.iterdir())
