"""Find the photos and videos that a person means, and read photos."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phr_mmpose.datasets.photos import decode_photo
from phr_mmpose.utils.errors import UserError

PHOTO_SUFFIXES = frozenset(
    {
        '.jpg',
        '.jpeg',
        '.jpe',
        '.jfif',
        '.jif',
        '.pjpeg',
        '.pjp',
        '.mpo',
        '.jp2',
        '.j2k',
        '.jpf',
        '.jpx',
        '.jxl',
        '.png',
        '.apng',
        '.bmp',
        '.dib',
        '.tif',
        '.tiff',
        '.webp',
        '.gif',
        '.ppm',
        '.pgm',
        '.pbm',
        '.pnm',
        '.heic',
        '.heif',
        '.hif',
        '.avif',
    }
)
VIDEO_SUFFIXES = frozenset(
    {
        '.mp4',
        '.m4v',
        '.mov',
        '.qt',
        '.3gp',
        '.3g2',
        '.avi',
        '.mkv',
        '.webm',
        '.mpg',
        '.mpeg',
        '.mpe',
        '.m2v',
        '.ts',
        '.mts',
        '.m2ts',
        '.vob',
        '.wmv',
        '.asf',
        '.flv',
        '.f4v',
        '.ogv',
        '.mjpeg',
        '.mjpg',
    }
)


@dataclass(frozen=True)
class Media:
    """One photo or video.

    Args:
        path (Path): The file.
        name (str): What results about it are called: its stem, with a number
            where several inputs share it.
        is_video (bool): Whether it is a video.
    """

    path: Path
    name: str
    is_video: bool


def find_media(inputs: Sequence[str | Path]) -> list[Media]:
    """List the photos and videos of files and folders.

    Folders are not searched for further folders; of their files only photos
    and videos are taken. A file given by itself is a video if its suffix says
    so, and a photo otherwise.

    Args:
        inputs (Sequence[str | Path]): Files and folders.

    Returns:
        list[Media]: In the order given, each folder's sorted by name.

    Raises:
        UserError: If there is no such file, or a folder holds none.
    """
    paths: list[Path] = []
    for given in map(Path, inputs):
        if given.is_dir():
            paths += _of_folder(given)
        elif given.is_file():
            paths.append(given)
        else:
            raise UserError(f'{given}: no such file or folder')
    media, taken = [], set()
    for path in dict.fromkeys(paths):
        name, number = path.stem, 2
        while name in taken:
            name, number = f'{path.stem}_{number}', number + 1
        taken.add(name)
        media.append(Media(path, name, path.suffix.lower() in VIDEO_SUFFIXES))
    return media


def read_photo(path: str | Path) -> np.ndarray:
    """Read a photo of any kind.

    Args:
        path (str | Path): The file.

    Returns:
        np.ndarray: Shape (H, W, 3), BGR, uint8.

    Raises:
        UserError: If it cannot be read, ends early or is too small.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f'{path}: {error.strerror}; give a readable photo') from None
    return decode_photo(content, path)


def _of_folder(folder: Path) -> list[Path]:
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PHOTO_SUFFIXES | VIDEO_SUFFIXES
        and not path.name.startswith('.')
        # A link to nowhere is named when it is to be read.
        and (path.is_file() or path.is_symlink())
    )
    if not found:
        raise UserError(f'{folder}: no photo or video in this folder')
    return found
