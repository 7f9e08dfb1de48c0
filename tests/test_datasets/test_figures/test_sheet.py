"""Marks on a contact sheet."""

import numpy as np
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from phr_mmpose.datasets.figures import draw_figure
from phr_mmpose.datasets.figures.sheet import contact_sheet, draw_joints
from phr_mmpose.datasets.joints import FIGURES_METAINFO


def test_visible_joints_are_filled_and_hidden_ones_hollow():
    figure = draw_figure(0, 3, 96, 0.0)
    figure.visible[:] = False
    figure.annotated[:] = False
    wrist = 10
    figure.annotated[wrist] = True
    figure.joints[wrist] = (20, 30)
    hollow = draw_joints(figure, 1.0)
    assert np.array_equal(hollow[30, 20], figure.image[30, 20])
    figure.visible[wrist] = True
    filled = draw_joints(figure, 1.0)
    colours = parse_pose_metainfo(FIGURES_METAINFO)['keypoint_colors']
    assert filled[30, 20].tolist() == colours[wrist, ::-1].tolist()


def test_a_sheet_has_rows_and_white_gaps():
    cells = [np.full((4, 5, 3), value, np.uint8) for value in (10, 20, 30)]
    sheet = contact_sheet(cells, 2)
    assert sheet.shape == (8, 10, 3)
    assert sheet[0, 0, 0] == 10 and sheet[0, 9, 0] == 20 and sheet[7, 0, 0] == 30
    assert (sheet[4:, 5:] == 255).all()
    assert contact_sheet(cells[:1], 8).shape == (4, 5, 3)
