"""Persons' boxes, checked where they enter."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from phr_mmpose.utils.errors import UserError

# A crop of a box this many times as large as the photo shows the photo as a dot.
_MAX_SHARE = 20


class FaultyBoxes(UserError):
    """Some of a photo's boxes cannot be boxes of persons.

    Args:
        line (str): What is wrong.
        good (np.ndarray): Shape (N,), bool: which boxes are not faulty.
    """

    def __init__(self, line: str, good: np.ndarray) -> None:
        super().__init__(line)
        self.good = good


def check_photo_size(
    listed: Sequence[int] | None, image_shape: tuple[int, int], source: str | Path
) -> None:
    """Check that a list and a photo speak of the same pixels.

    Args:
        listed (Sequence[int] | None): Height and width that the list tells, if any.
        image_shape (tuple[int, int]): Height and width of the photo, turned upright.
        source (str | Path): Where the photo comes from, for the error message.

    Raises:
        UserError: If they differ.
    """
    if listed is not None and tuple(listed[:2]) != tuple(image_shape):
        (height, width), (listed_height, listed_width) = image_shape, listed[:2]
        raise UserError(
            f'{source}: is {width} x {height} pixels when upright, and the list says '
            f'{listed_width} x {listed_height}; give boxes, keypoints and size of the '
            'upright photo'
        )


def check_boxes(
    boxes: np.ndarray | Sequence[Sequence[float]],
    image_shape: tuple[int, int],
    source: str | Path,
) -> np.ndarray:
    """Check that each box shows some of its photo.

    A box may reach over the photo's border: crops are padded with zeros.

    Args:
        boxes (np.ndarray | Sequence): N boxes as x1, y1, x2, y2 in pixels of the
            photo; N may be 0.
        image_shape (tuple[int, int]): Height and width of the photo.
        source (str | Path): Where the boxes come from, for the error message.

    Returns:
        np.ndarray: Shape (N, 4), float32.

    Raises:
        FaultyBoxes: If a box is not four finite numbers, is empty, lies outside the
            photo or is far larger; the line names the first, counted from 0.
    """
    if len(boxes) == 0:
        return np.empty((0, 4), np.float32)
    rows = [_numbers(box) for box in boxes]
    given = np.stack([np.full(4, np.nan) if row is None else row for row in rows])
    height, width = image_shape
    # As it will be used: what is a box in float64 may be empty in float32.
    with np.errstate(over='ignore', invalid='ignore'):
        array = given.astype(np.float32)
        x1, y1, x2, y2 = array.T
        sides = np.maximum(x2 - x1, y2 - y1)
    faults = (
        (np.array([row is None for row in rows]), 'is none: boxes are N x 4 numbers'),
        (~np.isfinite(given).all(axis=1), 'holds NaN or infinity'),
        ((x2 <= x1) | (y2 <= y1), 'is empty'),
        (
            (x1 >= width) | (y1 >= height) | (x2 <= 0) | (y2 <= 0),
            f'lies outside the photo of {width} x {height} px',
        ),
        (
            sides > _MAX_SHARE * max(width, height),
            f'is more than {_MAX_SHARE} times as large as the photo of '
            f'{width} x {height} px',
        ),
    )
    bad = np.any([faulty for faulty, _ in faults], axis=0)
    if bad.any():
        number = int(bad.argmax())
        what = next(what for faulty, what in faults if faulty[number])
        shown = f' {given[number].tolist()}' if rows[number] is not None else ''
        others = f', and {bad.sum() - 1} others are faulty' if bad.sum() > 1 else ''
        raise FaultyBoxes(
            f'{source}: box {number}{shown} {what}{others}; '
            'give x1 < x2 and y1 < y2 in pixels of the photo',
            ~bad,
        )
    return array


def _numbers(box: Sequence[float]) -> np.ndarray | None:
    """Give a box as (4,) float64; None for anything else."""
    try:
        row = np.asarray(box, dtype=np.float64)
    # Integers of any length come from JSON.
    except (TypeError, ValueError, OverflowError):
        return None
    return row if row.shape == (4,) else None
