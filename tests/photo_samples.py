"""Synthetic photos and samples for the tests of loading."""

import io

import cv2
import numpy as np
from PIL import Image


def smooth_photo(width: int = 203, height: int = 151, grain: int = 12) -> np.ndarray:
    """A photo-like picture (height, width, 3) without the finest detail."""
    generator = np.random.default_rng(0)
    shape = (height // grain + 2, width // grain + 2, 3)
    small = generator.integers(0, 256, shape, dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def as_jpeg(image: np.ndarray, quality: int = 98, orientation: int = 1) -> bytes:
    """Encode a BGR picture, without thinning out the colours."""
    exif = Image.Exif()
    if orientation != 1:
        exif[0x0112] = orientation
    stream = io.BytesIO()
    Image.fromarray(image[..., ::-1]).save(
        stream, 'JPEG', quality=quality, subsampling=0, exif=exif
    )
    return stream.getvalue()
