"""Poses on photos in a grid (the paper's Figure 7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from phr_mmpose.utils.files import atomic_path
from phr_mmpose.utils.pictures import check_picture
from phr_mmpose.visualization.crops import crop_photo
from phr_mmpose.visualization.poses import draw_poses

TILE_SIDE = 300
"""int: Side of a tile as it is drawn, in pixels."""

_INK, _FRAME = '0.15', '0.6'
# Narrow photos leave much of their tiles free.
_OUTSIDE = 240
# Inches.
_TILE, _GAP, _CAPTION, _LABEL, _NOTE = 1.5, 0.06, 0.2, 0.28, 0.28


@dataclass
class Tile:
    """One person's crop with a line below.

    Args:
        picture (np.ndarray): Shape (h, w, 3), BGR, uint8.
        caption (str): The line.
    """

    picture: np.ndarray
    caption: str


def pose_picture(
    image: np.ndarray,
    center: np.ndarray,
    side: float,
    keypoints: np.ndarray,
    joints: Mapping,
    hollow: np.ndarray,
) -> np.ndarray:
    """Cut a person out of a photo and draw the pose.

    Args:
        image (np.ndarray): The photo, (H, W, 3), BGR, uint8.
        center (np.ndarray): Shape (2,), middle of the crop, pixels of the photo.
        side (float): Side of the crop there.
        keypoints (np.ndarray): Shape (K, 2), pixels of the photo; a joint of NaN
            is left out with its limbs.
        joints (Mapping): As for :func:`draw_poses`.
        hollow (np.ndarray): Shape (K,), true for joints to be drawn as rings.

    Returns:
        np.ndarray: Shape (TILE_SIDE, TILE_SIDE, 3), BGR, uint8.
    """
    crop, matrix = crop_photo(image, center, np.full(2, side), TILE_SIDE, _OUTSIDE)
    drawn = np.isfinite(keypoints).all(axis=1)
    points = keypoints @ matrix[:, :2].T + matrix[:, 2]
    return draw_poses(crop, points[None], joints, hollow[None], drawn[None])


def draw_gallery(
    groups: Mapping[str, Sequence[Tile]],
    columns: int,
    path: str | Path,
    note: str = '',
    dpi: int = 160,
) -> None:
    """Lay out tiles in a grid, each group in rows of its own.

    Args:
        groups (Mapping[str, Sequence[Tile]]): Tiles by the group's name.
        columns (int): Tiles of a row.
        path (str | Path): Picture file; the suffix chooses the format.
        note (str): A line below all. Defaults to none.
        dpi (int): Pixels per inch. Defaults to 160.

    Raises:
        UserError: If the suffix is of no kind that can be drawn.
    """
    check_picture(path)
    style = {'font.size': 8, 'text.color': _INK, 'axes.labelcolor': _INK}
    with matplotlib.rc_context(style):
        figure = _figure(groups, columns, note)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=dpi, facecolor='white')


def _figure(groups: Mapping[str, Sequence[Tile]], columns: int, note: str) -> Figure:
    rows = [
        (group if start == 0 else '', tiles[start : start + columns])
        for group, tiles in groups.items()
        for start in range(0, len(tiles), columns)
    ]
    step = _TILE + _GAP, _TILE + _CAPTION
    width = _LABEL + columns * step[0] + _GAP
    height = _GAP + len(rows) * step[1] + (_NOTE if note else 0)
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    for row, (group, tiles) in enumerate(rows):
        bottom = height - _GAP - row * step[1] - _TILE
        for column, tile in enumerate(tiles):
            left = _LABEL + column * step[0]
            box = (left / width, bottom / height, _TILE / width, _TILE / height)
            axes = figure.add_axes(box)
            axes.imshow(tile.picture[..., ::-1], interpolation='antialiased')
            axes.set(xticks=[], yticks=[])
            axes.set_xlabel(tile.caption, labelpad=2, fontsize=7.5)
            for spine in axes.spines.values():
                spine.set(color=_FRAME, linewidth=0.6)
            if group and column == 0:
                axes.set_ylabel(group, labelpad=4, fontweight='bold', fontsize=9)
    if note:
        figure.text(_LABEL / width, 0.08 / height, note, fontsize=7.5)
    return figure
