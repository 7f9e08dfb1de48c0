"""Crops of photos to be looked at."""

import cv2
import numpy as np
from mmpose.structures.bbox import get_warp_matrix


def crop_photo(
    image: np.ndarray,
    center: np.ndarray,
    size: np.ndarray,
    longer_side: int,
    outside: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a crop out of a photo, scaled to a given size.

    Args:
        image (np.ndarray): The photo, (H, W, 3), BGR, uint8.
        center (np.ndarray): Shape (2,), middle of the crop in the photo's pixels.
        size (np.ndarray): Shape (2,), width and height of the crop there.
        longer_side (int): Longer side of the result in pixels.
        outside (int): Grey value outside the photo. Defaults to 0, black, as
            the models see it.

    Returns:
        tuple[np.ndarray, np.ndarray]: The crop (h, w, 3), BGR; and the affine
        map (2, 3) from the photo's to its pixels.
    """
    width, height = size * longer_side / size.max()
    shape = (max(1, round(float(width))), max(1, round(float(height))))
    matrix = get_warp_matrix(center, size, 0, output_size=shape)
    crop = cv2.warpAffine(
        image, matrix, shape, flags=cv2.INTER_CUBIC, borderValue=(outside,) * 3
    )
    return crop, matrix
