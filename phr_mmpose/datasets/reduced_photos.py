"""JPEGs decoded no larger than the crop needs, with their geometry.

A JPEG decodes to a half, a quarter or an eighth of its size at less cost than
in full. Each pixel then is the mean of a square of the photo's, so that a crop
made smaller from it also shows less aliasing.
"""

from pathlib import Path

import cv2
import numpy as np

from phr_mmpose.datasets import jpeg
from phr_mmpose.datasets.orientation import PhotoHeader
from phr_mmpose.datasets.photos import decode_photo, read_header
from phr_mmpose.datasets.pixel_grid import PixelGrid

_FLAGS = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
# In these orientations the upright picture's left (or upper) edge is the stored
# one's right or lower edge, where the last square of pixels may be cut off.
_LEFT_IS_STORED_END = frozenset((2, 3, 6, 7))
_TOP_IS_STORED_END = frozenset((3, 4, 7, 8))
#: The shorter side of a reduced picture stays at least so long.
_SHORTEST = 16


def choose_reduction(density: float) -> int:
    """Find how far a photo may be reduced without enlarging it afterwards.

    Args:
        density (float): Pixels of the photo for each pixel of the crop, along one
            side.

    Returns:
        int: 1, 2, 4 or 8.
    """
    return next((each for each in (8, 4, 2) if each <= density), 1)


def decode_reduced(
    content: bytes, source: str | Path, reduction: int
) -> tuple[np.ndarray, PixelGrid, tuple[int, int]]:
    """Decode an image file, a JPEG at a fraction of its size.

    Other kinds, JPEGs whose header leaves a doubt and pictures that would get too
    small are decoded in full.

    Args:
        content (bytes): The file's content.
        source (str | Path): Its name, for the error message.
        reduction (int): 1, 2, 4 or 8.

    Returns:
        tuple: The picture (h, w, 3), BGR, uint8; where its pixels lie in the
        photo; height and width of the photo. All are upright.

    Raises:
        UserError: As :func:`~phr_mmpose.datasets.photos.decode_photo`.
    """
    if reduction > 1 and content.startswith(jpeg.START):
        header = read_header(content, source)
        shortest = min(header.width, header.height)
        if header.orientation and shortest >= reduction * _SHORTEST:
            found = _decode_jpeg(content, header, reduction)
            if found:
                return found
    image = decode_photo(content, source)
    return image, PixelGrid(), image.shape[:2]


def _decode_jpeg(
    content: bytes, header: PhotoHeader, reduction: int
) -> tuple[np.ndarray, PixelGrid, tuple[int, int]] | None:
    image = jpeg.decode(content, _FLAGS[reduction])
    width, height = header.upright_size
    # The last column and row of squares may be cut off by the photo's edge.
    columns, rows = -(-width // reduction), -(-height // reduction)
    if image is None or image.shape[:2] != (rows, columns):
        return None  # decoding in full says what is wrong, if anything
    offset_x = offset_y = (reduction - 1) / 2
    if header.orientation in _LEFT_IS_STORED_END:
        offset_x += width - reduction * columns
    if header.orientation in _TOP_IS_STORED_END:
        offset_y += height - reduction * rows
    grid = PixelGrid(reduction, reduction, offset_x, offset_y)
    return image, grid, (height, width)
