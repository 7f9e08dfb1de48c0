"""Photos of any kind as 8-bit BGR, or one line that says what is wrong.

OpenCV returns a half-grey picture for a JPEG that ends early, and drops alpha and
the lower 8 bits without a word; a data set with such files trains on rubbish.
"""

from pathlib import Path

import cv2
import numpy as np

from phr_mmpose.datasets import jpeg, pillow_photos, png, webp
from phr_mmpose.datasets.opencv_decoding import imdecode
from phr_mmpose.datasets.orientation import (
    PhotoHeader,
    read_orientation,
    turn_upright,
)
from phr_mmpose.utils.errors import UserError

MIN_SIDE = 2
"""int: A photo with a shorter side shows nothing to estimate a pose from."""

MAX_PIXELS = 250_000_000
"""int: Phones take 200 megapixels; a small file that claims more is a trap."""

MAX_SIDE = 2**15 - 2 if int(cv2.__version__.split('.')[0]) < 5 else 2**20
"""int: OpenCV 4 cuts no person out of a longer photo; OpenCV 5 decodes none."""

# Pillow takes a third of the memory that OpenCV takes for 16 bits, and rounds down.
_MOST_DEEP_PIXELS = 100_000_000
# OpenJPEG takes 20 bytes for each.
_MOST_JPEG2000_PIXELS = 80_000_000
MEND = 'replace the file or take it off the list'
"""str: How most of the messages end."""
_BLOCK_PIXELS = 2**20


def decode_photo(
    content: bytes, source: str | Path, most: int = MAX_PIXELS
) -> np.ndarray:
    """Decode an image file.

    16-bit pictures are scaled to 8 bits, grey ones get three equal channels, and
    transparent ones are laid on white, as most viewers show them. All are turned
    upright by their EXIF orientation, as OpenCV and so MMPose does.

    Args:
        content (bytes): The file's content.
        source (str | Path): Its name, for the error message.
        most (int): Pixels of the largest photo to decode. Defaults to
            :data:`MAX_PIXELS`.

    Returns:
        np.ndarray: Shape (H, W, 3), BGR, uint8.

    Raises:
        UserError: If the file is not a picture, ends early, or is too small or too
            large; the size is checked first.
    """
    header = read_header(content, source, most)
    is_large = header is not None and header.width * header.height > _MOST_DEEP_PIXELS
    if header is None or (is_large and png.is_deep(content)):
        return _decode_rare(content, source, most)
    if content.startswith(jpeg.START):
        image = jpeg.decode(content)
    else:
        # Colours alone would lose alpha and depth; all of it comes as stored.
        image = imdecode(content, cv2.IMREAD_UNCHANGED)
        if image is not None:
            image = turn_upright(image, header.orientation)
    if image is None:
        raise _ends_early(source)
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
    height, width, channels = image.shape
    _check_size(width, height, source)
    if image.dtype == np.uint8 and channels == 3:
        return image
    whole = np.empty((height, width, 3), np.uint8)
    # By blocks of rows: the numbers in between take several times the memory.
    rows = max(1, _BLOCK_PIXELS // width)
    for top in range(0, height, rows):
        whole[top : top + rows] = _block_to_bgr8(image[top : top + rows], source)
    return whole


def inspect_photo(path: str | Path) -> tuple[int, int]:
    """Check that a photo is whole; a JPEG at an eighth of its size.

    Args:
        path (str | Path): Image file.

    Returns:
        tuple[int, int]: Width and height in pixels of the upright photo.

    Raises:
        UserError: If the file is missing, not a picture, ends early, or is too
            small or too large.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f'{path}: {error.strerror}; {MEND}') from None
    if content.startswith(jpeg.START):
        header = read_header(content, path)
        if header.orientation:
            if jpeg.decode(content, cv2.IMREAD_REDUCED_COLOR_8) is None:
                raise _ends_early(path)
            return header.upright_size
    height, width = decode_photo(content, path).shape[:2]
    return width, height


def read_header(
    content: bytes, source: str | Path, most: int = MAX_PIXELS
) -> PhotoHeader | None:
    """Read the header of a JPEG, PNG or WebP, and check that the file is whole.

    Args:
        content (bytes): The file's content.
        source (str | Path): Its name, for the error message.
        most (int): Pixels of the largest photo. Defaults to :data:`MAX_PIXELS`.

    Returns:
        PhotoHeader | None: None for a file of another kind.

    Raises:
        UserError: If the file is empty, ends early, or is too small or too large.
    """
    if not content:
        raise UserError(f'{source}: empty file; {MEND}')
    if content.startswith(jpeg.START):
        kind = jpeg
    elif content.startswith(png.START):
        kind = png
    elif webp.is_webp(content):
        kind = webp
    else:
        return None
    header = kind.read_header(content)
    if header is None:
        raise _ends_early(source)
    _check_size(header.width, header.height, source, most)
    if not kind.is_whole(content):
        raise _ends_early(source)
    return header


def _decode_rare(content: bytes, source: str | Path, most: int) -> np.ndarray:
    # Pillow raises a different exception for nearly every kind of damage.
    try:
        image = pillow_photos.open_photo(content)
    except Exception:
        image = None
    if image is None:
        lacks_heif = pillow_photos.lacks_heif(content)
        mend = 'pip install pillow-heif, which reads HEIC' if lacks_heif else MEND
        raise UserError(f'{source}: not a readable photo; {mend}')
    is_jpeg2000 = image.format == 'JPEG2000'
    most = min(most, _MOST_JPEG2000_PIXELS) if is_jpeg2000 else most
    _check_size(*image.size, source, most)
    try:
        filled = pillow_photos.is_filled(image)
        pillow_photos.load(image)
    except Exception:
        filled = False
    if not filled:
        raise _ends_early(source)
    whole = np.empty((image.height, image.width, 3), np.uint8)
    try:
        for rows, pixels in pillow_photos.strips(image):
            whole[rows] = _block_to_bgr8(pixels, source)
    except UserError:
        raise
    except Exception:
        raise UserError(f'{source}: not a readable photo; {MEND}') from None
    # Pillow itself turns a TIFF.
    exif = image.info.get('exif') if image.format != 'TIFF' else None
    return turn_upright(whole, read_orientation(exif)) if exif else whole


def _block_to_bgr8(image: np.ndarray, source: str | Path) -> np.ndarray:
    """Convert (H, W, C), or (H, W), of uint8 or uint16."""
    if image.dtype == np.uint16:
        # 65535 / 257 = 255: white stays white.
        image = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if image.dtype != np.uint8:
        raise UserError(
            f'{source}: a picture of {image.dtype} numbers; give 8 or 16-bit integers'
        )
    if image.ndim == 2:
        image = image[..., None]
    if image.shape[2] < 4:
        return image  # one channel fills all three
    alpha = image[..., 3:].astype(np.uint16)
    on_white = image[..., :3] * alpha + 255 * (255 - alpha)
    return ((on_white + 127) // 255).astype(np.uint8)


def _check_size(
    width: int, height: int, source: str | Path, most: int = MAX_PIXELS
) -> None:
    if min(width, height) < MIN_SIDE:
        raise UserError(f'{source}: a photo of {width} x {height} px; {MEND}')
    if max(width, height) > MAX_SIDE:
        raise UserError(
            f'{source}: a photo of {width} x {height} px; sides of up to {MAX_SIDE} px '
            f'are read with OpenCV {cv2.__version__}: make it smaller'
        )
    if width * height > most:
        raise UserError(
            f'{source}: a photo of {width} x {height} px; '
            f'up to {most // 1_000_000} megapixels are read: make it smaller'
        )


def _ends_early(source: str | Path) -> UserError:
    return UserError(
        f'{source}: the photo ends early (truncated), or is damaged; {MEND}'
    )
