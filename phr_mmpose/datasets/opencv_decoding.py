"""OpenCV's decoder of image files, without its exceptions."""

import cv2
import numpy as np


def imdecode(content: bytes, flag: int) -> np.ndarray | None:
    """Decode an image file.

    Args:
        content (bytes): The file's content.
        flag (int): One of ``cv2.IMREAD_…``.

    Returns:
        np.ndarray | None: Shape (H, W) or (H, W, C); None where it cannot be decoded.
    """
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), flag)
    except cv2.error:
        return None
