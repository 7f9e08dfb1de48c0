"""Contact sheets: many figures on one page, with their joints."""

import functools

import cv2
import numpy as np
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from phr_mmpose.datasets.figures.renderer import Figure
from phr_mmpose.datasets.joints import FIGURES_METAINFO

# OpenCV draws at fractions of a pixel when told how many bits they take.
_BITS = 4


def draw_joints(figure: Figure, zoom: float = 2.0) -> np.ndarray:
    """Enlarge a figure and mark its joints.

    Visible joints are filled, hidden ones hollow; the person's right is orange,
    the left blue, the middle yellow. The head box is white.

    Args:
        figure (Figure): What was drawn.
        zoom (float): Enlargement.

    Returns:
        np.ndarray: Shape (zoom * size, zoom * size, 3) uint8, BGR.
    """
    picture = enlarge(figure, zoom)
    colours = _colours()
    radius = max(3, round(0.012 * picture.shape[0]))
    box = np.rint((figure.head_box + 0.5) * zoom - 0.5).astype(int)
    cv2.rectangle(picture, box[:2].tolist(), box[2:].tolist(), (255, 255, 255), 1)
    for index in np.flatnonzero(figure.annotated):
        place = (figure.joints[index] + 0.5) * zoom - 0.5
        centre = np.rint(place * 2**_BITS).astype(int).tolist()
        thickness = cv2.FILLED if figure.visible[index] else 1
        for extra, colour in ((1, (0, 0, 0)), (0, colours[index])):
            reach = (radius + extra) << _BITS
            cv2.circle(picture, centre, reach, colour, thickness, cv2.LINE_AA, _BITS)
    return picture


@functools.cache
def _colours() -> list[list[int]]:
    """Of each joint, BGR."""
    return parse_pose_metainfo(FIGURES_METAINFO)['keypoint_colors'][:, ::-1].tolist()


def enlarge(figure: Figure, zoom: float) -> np.ndarray:
    """Enlarge a figure's picture.

    Args:
        figure (Figure): What was drawn.
        zoom (float): Enlargement.

    Returns:
        np.ndarray: Shape (zoom * size, zoom * size, 3) uint8, BGR.
    """
    return cv2.resize(
        figure.image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC
    )


def contact_sheet(pictures: list[np.ndarray], columns: int) -> np.ndarray:
    """Arrange pictures of one size in rows.

    Args:
        pictures (list[np.ndarray]): Each (h, w, 3) uint8.
        columns (int): Pictures in a row.

    Returns:
        np.ndarray: The page, uint8; empty places are white.
    """
    empty = np.full_like(pictures[0], 255)
    columns = min(columns, len(pictures))
    pictures = pictures + [empty] * (-len(pictures) % columns)
    rows = [
        np.hstack(pictures[start : start + columns])
        for start in range(0, len(pictures), columns)
    ]
    return np.vstack(rows)
