"""The rarer kinds of photos, as Pillow decodes them.

OpenCV gets some of them wrong without a word: OS/2 bitmaps, palettes of one bit,
16 bits in planes.
"""

import io
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
from PIL import Image, ImageFile

# Not those that run another program, as PostScript does. HEIF comes with pillow_heif.
_KINDS = ('BMP', 'TIFF', 'GIF', 'PPM', 'PNG', 'JPEG2000', 'AVIF', 'HEIF')
_HEIF_BRANDS = (b'heic', b'heix', b'mif1')
_TIFF_COLUMNS, _TIFF_ROWS, _TIFF_BITS = 256, 257, 258
_TIFF_PHOTOMETRIC, _TIFF_PLANES = 262, 284
_STRIP_PIXELS = 2**20
_ALPHA_MODES = ('RGBA', 'LA', 'PA', 'RGBa', 'La')


def open_photo(content: bytes) -> ImageFile.ImageFile | None:
    """Read a photo's header.

    ``Image.open`` would refuse by Pillow's own limit, which is global and lower than
    what phones take.

    Args:
        content (bytes): The file's content.

    Returns:
        ImageFile | None: The picture, not yet decoded; None for another kind.
    """
    Image.init()
    if 'HEIF' not in Image.OPEN and find_spec('pillow_heif'):
        import pillow_heif

        pillow_heif.register_heif_opener()
    for kind in _KINDS:
        opener, accepts = Image.OPEN.get(kind, (None, None))
        # It may answer with a text that says what is not installed.
        if opener and accepts(content[:16]) is True:
            image = opener(io.BytesIO(content), '')
            if kind == 'TIFF':
                _mend_planes(image)
            return image
    return None


def lacks_heif(content: bytes) -> bool:
    """Whether only a package that is not installed can read a file.

    Args:
        content (bytes): What :func:`open_photo` has returned None for.

    Returns:
        bool: True for HEIC without pillow_heif.
    """
    is_heif = content[4:8] == b'ftyp' and content[8:12] in _HEIF_BRANDS
    return is_heif and 'HEIF' not in Image.OPEN


def is_filled(image: ImageFile.ImageFile) -> bool:
    """Whether the data that a header lists reach the last row.

    Args:
        image (ImageFile): From :func:`open_photo`.

    Returns:
        bool: False for a TIFF with too few strips: Pillow leaves the rest black.
    """
    if image.format != 'TIFF':
        return True
    return max(tile[1][3] for tile in image.tile) >= image.tag_v2[_TIFF_ROWS]


def load(image: ImageFile.ImageFile) -> None:
    """Decode a picture, a TIFF beyond Pillow's own limit, too.

    Pillow looks at it once more when it makes room for a TIFF.

    Args:
        image (ImageFile): From :func:`open_photo`.
    """
    if image.format == 'TIFF':
        stored = (image.tag_v2[_TIFF_COLUMNS], image.tag_v2[_TIFF_ROWS])
        image.im = Image.new(image.mode, stored).im
    image.load()


def strips(image: Image.Image) -> Iterator[tuple[slice, np.ndarray]]:
    """Convert a picture by strips; as a whole it would take its memory many times.

    Args:
        image (Image.Image): Decoded.

    Yields:
        tuple[slice, np.ndarray]: Rows, and their pixels: (h, W), (h, W, 3) as BGR or
        (h, W, 4) as BGRA; uint8, or what the file holds: uint16, int32, float32.
    """
    # Pillow holds the 16 bits of a PGM in 32; before 11, those of a PNG, too.
    wide = image.mode == 'I' and image.format in ('PPM', 'PNG')
    deep = image.mode.startswith('I;16') or wide
    # Pillow inverts TIFFs whose white is zero, but not those.
    negative = image.format == 'TIFF' and image.tag_v2.get(_TIFF_PHOTOMETRIC) == 0
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        low = min(top + rows, image.height)
        strip = image.crop((0, top, image.width, low))
        if deep:
            pixels = np.asarray(strip).astype(np.uint16)
            yield slice(top, low), ~pixels if negative else pixels
        else:
            yield slice(top, low), _pixels(strip)


def _mend_planes(image: ImageFile.ImageFile) -> None:
    """Say that planes have 16 bits: without compression Pillow takes them for 8."""
    tags = image.tag_v2
    if tags.get(_TIFF_PLANES) != 2 or set(tags.get(_TIFF_BITS, ())) != {16}:
        return
    order = 'B' if tags.prefix == b'MM' else 'L'
    for number, tile in enumerate(image.tile):
        codec, extents, offset, args = tile
        if codec == 'raw' and len(args[0]) == 1:
            args = (f'{args[0]};16{order}', *args[1:])
            # A named tuple since Pillow 11.
            make = getattr(tile, '_make', tuple)
            image.tile[number] = make((codec, extents, offset, args))


def _pixels(image: Image.Image) -> np.ndarray:
    if image.mode in ('I', 'F'):
        return np.asarray(image)
    if image.mode in _ALPHA_MODES or 'transparency' in image.info:
        return np.asarray(image.convert('RGBA'))[..., [2, 1, 0, 3]]
    return np.asarray(image.convert('RGB'))[..., ::-1]
