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
