"""Where the pixels of a smaller picture lie in the photo."""

from typing import NamedTuple

import numpy as np


class PixelGrid(NamedTuple):
    """Pixel (i, j) of a picture shows the photo at ``scale * (i, j) + offset``.

    Both count from 0 with pixel centres at integers, so that a picture of half
    the size has its first pixel at 0.5 of the photo.

    Attributes:
        scale_x (float): Photo pixels from one column to the next.
        scale_y (float): The same for rows.
        offset_x (float): Where the first column lies in the photo.
        offset_y (float): The same for the first row.
    """

    scale_x: float = 1.0
    scale_y: float = 1.0
    offset_x: float = 0.0
    offset_y: float = 0.0

    @classmethod
    def of_region(
        cls, region: tuple[int, int, int, int], size: tuple[int, int]
    ) -> 'PixelGrid':
        """A region of the photo, resized.

        Args:
            region (tuple[int, int, int, int]): x, y, width, height in pixels of
                the photo.
            size (tuple[int, int]): Width and height that it was resized to.

        Returns:
            PixelGrid: Outer edges fall on outer edges.
        """
        x, y, width, height = region
        scale_x, scale_y = width / size[0], height / size[1]
        return cls(scale_x, scale_y, x + (scale_x - 1) / 2, y + (scale_y - 1) / 2)

    def within(self, outer: 'PixelGrid') -> 'PixelGrid':
        """This grid where its photo is itself a picture of another one.

        Args:
            outer (PixelGrid): Where that picture's pixels lie.

        Returns:
            PixelGrid: Straight to the outer photo.
        """
        return PixelGrid(
            outer.scale_x * self.scale_x,
            outer.scale_y * self.scale_y,
            outer.scale_x * self.offset_x + outer.offset_x,
            outer.scale_y * self.offset_y + outer.offset_y,
        )

    def apply(self, matrix: np.ndarray) -> np.ndarray:
        """Put the grid before an affine map of the photo.

        Args:
            matrix (np.ndarray): Shape (2, 3), from pixels of the photo.

        Returns:
            np.ndarray: Shape (2, 3), from pixels of the picture.
        """
        (a, b, c), (d, e, f) = matrix.tolist()
        return np.array(
            [
                [
                    a * self.scale_x,
                    b * self.scale_y,
                    a * self.offset_x + b * self.offset_y + c,
                ],
                [
                    d * self.scale_x,
                    e * self.scale_y,
                    d * self.offset_x + e * self.offset_y + f,
                ],
            ]
        )
