"""One person's entry in a crop cache."""

import struct
from typing import NamedTuple

from phr_mmpose.datasets.pixel_grid import PixelGrid

# Photo's height and width; region's x, y, width, height; width and height kept.
_HEAD = struct.Struct('<8i')


class CropRecord(NamedTuple):
    """A region of a photo, resized and encoded.

    Attributes:
        photo_shape (tuple[int, int]): Height and width of the photo.
        region (tuple[int, int, int, int]): x, y, width, height, pixels of the photo.
        size (tuple[int, int]): Width and height of the kept picture.
        content (bytes): The picture, a JPEG.
    """

    photo_shape: tuple[int, int]
    region: tuple[int, int, int, int]
    size: tuple[int, int]
    content: bytes

    @property
    def grid(self) -> PixelGrid:
        """Where the kept picture's pixels lie in the photo."""
        return PixelGrid.of_region(self.region, self.size)

    def pack(self) -> bytes:
        """Give the record as stored."""
        return _HEAD.pack(*self.photo_shape, *self.region, *self.size) + self.content

    @classmethod
    def unpack(cls, value: bytes) -> 'CropRecord':
        """Read what :meth:`pack` gave.

        Raises:
            struct.error: If the value is too short.
            ValueError: If the region does not lie in the photo.
        """
        numbers = _HEAD.unpack_from(value)
        photo_height, photo_width, x, y, width, height = numbers[:6]
        if (
            min(x, y) < 0
            or min(width, height, *numbers[6:]) < 1
            or x + width > photo_width
            or y + height > photo_height
        ):
            raise ValueError('the region does not lie in the photo')
        return cls(numbers[:2], numbers[2:6], numbers[6:], value[_HEAD.size :])
