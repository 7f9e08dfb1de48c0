"""Persons' boxes, checked where they enter."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from phr_mmpose.utils.errors import UserError


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
        UserError: If a box is not four finite numbers, is empty or lies outside
            the photo; the line names the box, counted from 0.
    """
    try:
        array = np.asarray(boxes, dtype=np.float32)
    except (TypeError, ValueError):
        array = np.empty((1, 0), np.float32)
    if array.size == 0 and len(array) == 0:
        return np.empty((0, 4), np.float32)
    if array.ndim != 2 or array.shape[1] != 4:
        raise UserError(f'{source}: boxes must be N x [x1, y1, x2, y2]')

    height, width = image_shape
    x1, y1, x2, y2 = array.T
    faults = (
        (~np.isfinite(array).all(axis=1), 'holds NaN or infinity'),
        ((x2 <= x1) | (y2 <= y1), 'is empty'),
        (
            (x1 >= width) | (y1 >= height) | (x2 <= 0) | (y2 <= 0),
            f'lies outside the photo of {width} x {height} px',
        ),
    )
    for faulty, what in faults:
        if faulty.any():
            number = int(faulty.argmax())
            raise UserError(
                f'{source}: box {number} {array[number].tolist()} {what}; '
                'give x1 < x2 and y1 < y2 in pixels of the photo'
            )
    return array
