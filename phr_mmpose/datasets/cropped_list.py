"""Writing a cropped data set: a picture for each person, and their list."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from phr_mmpose.datasets.annotation_list import AnnotationList, save_annotation_list
from phr_mmpose.datasets.boxes import check_boxes
from phr_mmpose.datasets.person_regions import PersonRegions
from phr_mmpose.datasets.photos import decode_photo
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import make_folder


def cut_region(
    photo: np.ndarray, origin: np.ndarray, factor: float, size: np.ndarray
) -> np.ndarray:
    """Take a region out of a photo and reduce it by averaging.

    Args:
        photo (np.ndarray): Shape (H, W, 3), uint8.
        origin (np.ndarray): Shape (2,), x and y of its first pixel.
        factor (float): Pixels of the photo for each of the result, a multiple of
            1/8, at least 1.
        size (np.ndarray): Shape (2,), least width and height of the result, except
            beyond the photo's border.

    Returns:
        np.ndarray: Shape (h, w, 3), uint8; black beyond the photo's border, as the
        crop of a photo is.
    """
    # This many kept pixels cover a whole number of the photo's pixels.
    block = Fraction(factor).denominator
    available = (np.array(photo.shape[1::-1]) - origin) / factor
    blocks = np.ceil(np.minimum(size, available) / block)
    width, height = (blocks * block).astype(int).tolist()
    right, low = int(width * factor), int(height * factor)
    x, y = origin.tolist()
    region = photo[y : y + low, x : x + right]
    region = cv2.copyMakeBorder(
        region,
        0,
        low - region.shape[0],
        0,
        right - region.shape[1],
        cv2.BORDER_CONSTANT,
    )
    return cv2.resize(region, (width, height), interpolation=cv2.INTER_AREA)


def write_cropped_list(
    annotations: AnnotationList,
    regions: PersonRegions,
    photos: Path,
    folder: Path,
    name: str,
    quality: int = 95,
    threads: int = 1,
) -> Iterator[int]:
    """Write ``images/NAME/NUMBER.jpg`` for each person, then ``annotations/NAME.json``.

    A list of that name is removed before the first picture is written, so that a list
    exists only while all of its pictures do.

    Args:
        annotations (AnnotationList): N persons in pixels of their photos.
        regions (PersonRegions): What to keep of each.
        photos (Path): Folder of the photos.
        folder (Path): Folder to fill; made if missing.
        name (str): Name of the list.
        quality (int): JPEG's, 1 to 100. Defaults to 95.
        threads (int): Photos that are processed at a time; nearly all of the work is
            OpenCV's, which runs well in threads. Defaults to 1.

    Yields:
        int: Number of persons written for one more photo.

    Raises:
        UserError: If a photo cannot be read, a person's box lies outside it, or nothing
            can be written.
    """
    images = [f'{name}/{number:06d}.jpg' for number in range(len(annotations))]
    path = folder / 'annotations' / f'{name}.json'
    make_folder(folder / 'images' / name)
    persons: dict[str, list[int]] = {}
    for number, image in enumerate(annotations.images):
        persons.setdefault(image, []).append(number)

    def write(image: str) -> int:
        photo = _read(photos / image)
        for number in persons[image]:
            check_boxes(regions.boxes[[number]], photo.shape[:2], photos / image)
            picture = cut_region(
                photo,
                regions.origins[number],
                regions.factors[number],
                regions.sizes[number],
            )
            path.unlink(missing_ok=True)
            _save(folder / 'images' / images[number], picture, quality)
        return len(persons[image])

    with ThreadPoolExecutor(threads) as pool:
        # If one fails, or nobody asks for more, those that wait are cancelled.
        yield from pool.map(write, persons)
    save_annotation_list(path, regions.moved(annotations, images))


def _read(path: Path) -> np.ndarray:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path}: {error.strerror}; give the folder of the list's photos"
        ) from None
    return decode_photo(content, path)


def _save(path: Path, picture: np.ndarray, quality: int) -> None:
    _, content = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UserError(
            f'{path}: cannot be written ({error.strerror}); name another place'
        ) from None
