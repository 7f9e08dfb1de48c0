"""Curves: their numbers, and that a picture comes out."""

import cv2
import numpy as np
import pytest

from phr_mmpose.datasets.joints import LSP_JOINTS
from phr_mmpose.evaluation.curves import draw_curves, pck_curve
from phr_mmpose.evaluation.functional.pck import COLUMNS, column_joints
from phr_mmpose.utils.errors import UserError

THRESHOLDS = np.array([0.0, 0.1, 0.2])


def curve() -> dict[str, np.ndarray]:
    distances = np.zeros((1, 14))
    distances[0, 0] = 0.1
    distances[0, 5] = 0.15
    return pck_curve(distances, np.ones((1, 14)), column_joints(LSP_JOINTS), THRESHOLDS)


def test_curve_by_hand():
    curves = curve()
    assert tuple(curves) == COLUMNS
    np.testing.assert_array_equal(curves['Ankle'], [0, 50, 100])
    np.testing.assert_array_equal(curves['Knee'], [100, 100, 100])
    np.testing.assert_allclose(curves['Total'], [1200 / 14, 1300 / 14, 100])


def test_draws_several_systems(tmp_path):
    path = tmp_path / 'new' / 'curve.png'
    empty = {column: np.full(3, np.nan) for column in COLUMNS}
    draw_curves({'ours': curve(), 'theirs': empty}, THRESHOLDS, 'PCK', path)
    picture = cv2.imread(str(path))
    height, width = picture.shape[:2]
    assert width > height > 500
    # The first system's blue is drawn in every panel: 2 rows of 4.
    blue = (picture == (0xB2, 0x72, 0x00)).all(-1)
    rows, columns = height // 2, width // 4
    for row in range(2):
        for column in range(4):
            part = blue[row * rows :, column * columns :][:rows, :columns]
            assert part.any(), (row, column)
    assert [entry.name for entry in path.parent.iterdir()] == ['curve.png']


def test_names_of_files_are_no_formulas(tmp_path):
    path = tmp_path / 'curve.png'
    for name in ('a$\\frac$.npy', 'caf\udce9.npy'):
        draw_curves({name: curve()}, THRESHOLDS, 'PCK', path, title=name)
        assert cv2.imread(str(path)) is not None


def test_unknown_kind_of_picture(tmp_path):
    with pytest.raises(UserError, match=r'curve\.xyz.*\.png'):
        draw_curves({'ours': curve()}, THRESHOLDS, 'PCK', tmp_path / 'curve.xyz')
    assert not list(tmp_path.iterdir())
