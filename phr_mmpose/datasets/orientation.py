"""EXIF orientation: how a stored picture is turned to stand upright."""

from typing import NamedTuple

import numpy as np
from PIL import Image

_TAG = 0x0112
_SIDEWAYS = frozenset((5, 6, 7, 8))


class PhotoHeader(NamedTuple):
    """What a photo's header says.

    Attributes:
        width (int): Pixels of a row as stored.
        height (int): Rows as stored.
        orientation (int | None): EXIF orientation, 1 (as stored) to 8; None where
            it is in doubt.
    """

    width: int
    height: int
    orientation: int | None

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        if self.orientation in _SIDEWAYS:
            return self.height, self.width
        return self.width, self.height


def read_orientation(exif: bytes) -> int | None:
    """Read the orientation out of an EXIF segment.

    Args:
        exif (bytes): The segment, with or without ``Exif\\0\\0`` before it.

    Returns:
        int | None: 1 to 8; None where it cannot be read.
    """
    tags = Image.Exif()
    try:
        tags.load(exif)
        value = tags.get(_TAG, 1)
    # Pillow raises a different exception for nearly every kind of damage.
    except Exception:
        return None
    return value if value in range(1, 9) else None


def turn_upright(image: np.ndarray, orientation: int | None) -> np.ndarray:
    """Turn a stored picture.

    Args:
        image (np.ndarray): Shape (H, W, ...), as stored.
        orientation (int | None): Of EXIF; None leaves it as it is.

    Returns:
        np.ndarray: Shape (H, W, ...) or (W, H, ...), upright.
    """
    if orientation in _SIDEWAYS:
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)
