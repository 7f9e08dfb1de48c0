"""Photos of any kind as 8-bit BGR, or one line that says what is wrong.

OpenCV returns a half-grey picture for a JPEG that ends early, and drops alpha and
the lower 8 bits without a word; a data set with such files trains on rubbish.
"""

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from phr_mmpose.datasets import jpeg
from phr_mmpose.utils.errors import UserError

MIN_SIDE = 2
"""int: A photo with a shorter side shows nothing to estimate a pose from."""

_PNG_START = b'\x89PNG\r\n\x1a\n'
_MEND = 'replace the file or take it off the list'


def decode_photo(content: bytes, source: str | Path) -> np.ndarray:
    """Decode an image file.

    16-bit pictures are scaled to 8 bits, grey ones get three equal channels, and
    transparent ones are laid on white, as most viewers show them. JPEGs are
    turned upright by their EXIF orientation, as OpenCV does.

    Args:
        content (bytes): The file's content.
        source (str | Path): Its name, for the error message.

    Returns:
        np.ndarray: Shape (H, W, 3), BGR, uint8.

    Raises:
        UserError: If the file is not a picture, ends early or is too small.
    """
    check_complete(content, source)
    # JPEG has neither alpha nor 16 bits; IMREAD_UNCHANGED would ignore EXIF.
    is_jpeg = content.startswith(jpeg.START)
    flag = cv2.IMREAD_COLOR if is_jpeg else cv2.IMREAD_UNCHANGED
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flag)
    except cv2.error:
        image = None
    if image is None:
        raise UserError(f'{source}: not a readable photo; {_MEND}')
    return to_bgr8(image, source)


def to_bgr8(image: np.ndarray, source: str | Path) -> np.ndarray:
    """Convert a picture to 8-bit BGR.

    Args:
        image (np.ndarray): Shape (H, W), (H, W, 1), (H, W, 3) as BGR or
            (H, W, 4) as BGRA; uint8 or uint16.
        source (str | Path): Its name, for the error message.

    Returns:
        np.ndarray: Shape (H, W, 3), BGR, uint8; ``image`` itself where it is so
        already.

    Raises:
        UserError: If shape or number type differ, or the picture is too small.
    """
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4):
        raise UserError(
            f'{source}: a picture of shape {image.shape}; '
            'give height x width (x 1, 3 or 4 channels)'
        )
    if min(image.shape[:2]) < MIN_SIDE:
        height, width = image.shape[:2]
        raise UserError(f'{source}: a photo of {width} x {height} px; {_MEND}')
    if image.dtype == np.uint16:
        # 65535 / 257 = 255: white stays white.
        image = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if image.dtype != np.uint8:
        raise UserError(
            f'{source}: a picture of {image.dtype} numbers; give 8 or 16-bit integers'
        )
    if image.shape[2] == 1:
        return np.repeat(image, 3, axis=2)
    if image.shape[2] == 4:
        alpha = image[..., 3:].astype(np.uint16)
        on_white = image[..., :3] * alpha + 255 * (255 - alpha)
        return ((on_white + 127) // 255).astype(np.uint8)
    return image


def inspect_photo(path: str | Path) -> tuple[int, int]:
    """Check that a photo is whole, without decoding a JPEG or PNG.

    Args:
        path (str | Path): Image file.

    Returns:
        tuple[int, int]: Width and height in pixels, as stored (before any EXIF
        rotation).

    Raises:
        UserError: If the file is missing, not a picture, ends early or is too
            small.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f'{path}: {error.strerror}; {_MEND}') from None
    check_complete(content, path)
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
    except (OSError, ValueError, SyntaxError):
        raise UserError(f'{path}: not a readable photo; {_MEND}') from None
    if min(width, height) < MIN_SIDE:
        raise UserError(f'{path}: a photo of {width} x {height} px; {_MEND}')
    return width, height


def check_complete(content: bytes, source: str | Path) -> None:
    """Check that an image file does not end early.

    Args:
        content (bytes): The file's content.
        source (str | Path): Its name, for the error message.

    Raises:
        UserError: If it is empty, ends early or is no picture.
    """
    if not content:
        raise UserError(f'{source}: empty file; {_MEND}')
    if content.startswith(jpeg.START):
        whole = jpeg.is_whole(content)
    elif content.startswith(_PNG_START):
        whole = content.rfind(b'IEND') > 0
    else:
        # Rare kinds: Pillow decodes them and is strict about early ends.
        try:
            with Image.open(io.BytesIO(content)) as image:
                image.load()
            whole = True
        except Image.UnidentifiedImageError:
            raise UserError(f'{source}: not a readable photo; {_MEND}') from None
        except (OSError, ValueError, SyntaxError, EOFError, IndexError):
            whole = False
    if not whole:
        raise UserError(f'{source}: the photo ends early (truncated); {_MEND}')
