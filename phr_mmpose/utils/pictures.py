"""Which pictures can be drawn, and how photos are written."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path, check_output


def check_picture(path: str | Path) -> None:
    """Refuse a picture that cannot be drawn, before the work that is to fill it.

    Args:
        path (str | Path): The file; its suffix chooses the format.

    Raises:
        UserError: If the suffix is of no kind that can be drawn, or the file
            cannot be written.
    """
    if Path(path).suffix[1:].lower() not in FigureCanvasAgg.get_supported_filetypes():
        raise UserError(f'{path}: cannot draw this kind of file; name a .png or .pdf')
    check_output(path)


def write_picture(path: Path, picture: np.ndarray, options: Sequence[int] = ()) -> None:
    """Write a picture, whole or not at all.

    Args:
        path (Path): The file, ``.png`` or ``.jpg``.
        picture (np.ndarray): Shape (H, W, 3), BGR, uint8.
        options (Sequence[int]): Of ``cv2.imencode``.
    """
    # Not by OpenCV itself, which opens only names in UTF-8.
    _, content = cv2.imencode(path.suffix, picture, options)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
