"""Making a crop cache, which may be interrupted and goes on later."""

import fcntl
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np

from phr_mmpose.datasets.boxes import check_boxes
from phr_mmpose.datasets.crops import store
from phr_mmpose.datasets.crops.plan import CropGeometry, CropPlan
from phr_mmpose.datasets.crops.record import CropRecord
from phr_mmpose.datasets.photos import decode_photo
from phr_mmpose.utils.errors import UserError

#: Persons written at a time; so many are lost when the writer is killed.
BATCH = 256
# The address space set aside; the file itself grows as it is filled.
_MAP_SIZE = 1 << 36
# An LMDB file's first page begins with a header of 16 bytes and this.
_MAGIC, _MAGIC_AT = (0xBEEFC0DE).to_bytes(4, sys.byteorder), 16


def crop_person(
    photo: np.ndarray,
    box: np.ndarray,
    geometry: CropGeometry,
    density: float,
    quality: int,
) -> CropRecord:
    """Keep what a pipeline may show of one person.

    Args:
        photo (np.ndarray): Shape (H, W, 3), BGR, uint8.
        box (np.ndarray): The person's box, shape (4,), x1, y1, x2, y2.
        geometry (CropGeometry): How the pipeline crops.
        density (float): Kept pixels for each of the input, along a side, when the
            crop is neither widened nor narrowed. The photo is never enlarged.
        quality (int): JPEG's, 1 to 100.

    Returns:
        CropRecord: The region, made smaller by averaging.
    """
    # Photo's pixels for each one kept.
    factor = max(1.0, geometry.side(box) / (geometry.input_size[0] * density))
    region = geometry.region(box, photo.shape[:2], margin=2 * factor + 1)
    x, y, width, height = region
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    picture = photo[y : y + height, x : x + width]
    if size != (width, height):
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, content = cv2.imencode('.jpg', np.ascontiguousarray(picture), options)
    return CropRecord(photo.shape[:2], region, size, content.tobytes())


def write_crops(
    path: str | Path,
    plan: CropPlan,
    items: Sequence[dict],
    *,
    density: float = 1.0,
    quality: int = 90,
    threads: int = 1,
) -> Iterator[int]:
    """Make a crop cache, or go on with one.

    Args:
        path (str | Path): The file.
        plan (CropPlan): What it is made from.
        items (Sequence[dict]): The persons in the order of the list, with ``id``,
            ``img_path`` and ``bbox`` (1, 4).
        density (float): See :func:`crop_person`.
        quality (int): JPEG's.
        threads (int): Photos that are decoded and encoded at a time.

    Yields:
        int: How many persons the file holds, after each batch.

    Raises:
        UserError: If the file was made from something else or is damaged, a photo
            cannot be read, or the disk is full.
    """
    lmdb = store.import_lmdb()
    path = Path(path)
    store.forget(path)
    header = json.dumps(
        {
            'format': store.FORMAT,
            'plan': plan.as_json(),
            'density': density,
            'quality': quality,
        },
        sort_keys=True,
    ).encode()
    with _alone(path):
        try:
            # Without LMDB's own lock, and the file beside the cache that it takes.
            environment = lmdb.open(
                str(path),
                subdir=False,
                map_size=_MAP_SIZE,
                readahead=False,
                meminit=False,
                lock=False,
            )
        except lmdb.Error as error:
            raise _unwritable(path, error) from None
        with environment:
            try:
                store.check_length(environment, path)
                yield from _fill(environment, path, header, plan, items, threads)
            except (lmdb.CorruptedError, lmdb.PageNotFoundError) as error:
                raise store.damaged(path, error) from None
            except lmdb.Error as error:
                raise UserError(
                    f'{path}: cannot be written ({error}); run the tool again, it '
                    'goes on'
                ) from None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other writers off a cache; LMDB may have but one at a time.

    The system forgets the lock when the process ends, however it does.

    Args:
        path (Path): The cache; made where it is missing.

    Raises:
        UserError: If the file cannot be written, is of another kind or is being
            written.
    """
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(open(path, 'a+b'))
            file.seek(0)
            start = file.read(_MAGIC_AT + len(_MAGIC))
            if start and start[_MAGIC_AT:] != _MAGIC:
                raise UserError(f'{path}: is there and no crop cache; name another')
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f'{path}: another process is making this crop cache; wait for it or '
                'name another'
            ) from None
        except OSError as error:
            raise _unwritable(path, error) from None
        yield


def _unwritable(path: Path, error: Exception) -> UserError:
    return UserError(f'{path}: cannot be written ({error}); name another place')


def _fill(
    environment: object,
    path: Path,
    header: bytes,
    plan: CropPlan,
    items: Sequence[dict],
    threads: int,
) -> Iterator[int]:
    with environment.begin(write=True) as transaction:
        before = transaction.get(store.PLAN_KEY)
        if before is None and transaction.stat()['entries']:
            raise UserError(f'{path}: an LMDB file, but no crop cache; name another')
        if before not in (None, header):
            raise UserError(
                f'{path}: made with other data or options; delete it or name another'
            )
        if before is None:
            transaction.put(store.PLAN_KEY, header)
        kept = {bytes(key) for key, _ in transaction.cursor()}
    held = len(kept - {store.PLAN_KEY, store.DONE_KEY})
    yield held
    if store.DONE_KEY in kept:
        return
    missing = [item for item in items if store.person_key(item['id']) not in kept]
    options = json.loads(header)
    records = _records(
        missing, plan.geometry, options['density'], options['quality'], threads
    )
    batch: list[tuple[bytes, bytes]] = []
    for number, record in records:
        batch.append((store.person_key(number), record.pack()))
        if len(batch) == BATCH:
            held += _commit(environment, batch)
            yield held
    batch.append((store.DONE_KEY, b'1'))
    held += _commit(environment, batch) - 1
    yield held


def _commit(environment: object, batch: list[tuple[bytes, bytes]]) -> int:
    """Write a batch and empty it."""
    with environment.begin(write=True) as transaction:
        for key, value in batch:
            transaction.put(key, value)
    count = len(batch)
    batch.clear()
    return count


def _records(
    items: Sequence[dict],
    geometry: CropGeometry,
    density: float,
    quality: int,
    threads: int,
) -> Iterator[tuple[int, CropRecord]]:
    """Give number and record of each person, each photo decoded once."""
    by_photo = sorted(items, key=lambda item: item['img_path'])
    groups = [
        (source, list(group))
        for source, group in groupby(by_photo, key=lambda item: item['img_path'])
    ]

    def crop(group: tuple[str, list[dict]]) -> list[tuple[int, CropRecord]]:
        source, persons = group
        photo = _read(source)
        for person in persons:
            check_boxes(person['bbox'], photo.shape[:2], source)
        return [
            (
                person['id'],
                crop_person(photo, person['bbox'][0], geometry, density, quality),
            )
            for person in persons
        ]

    with ThreadPoolExecutor(threads) as pool:
        for records in _ahead(pool, crop, groups, 4 * threads):
            yield from records


def _ahead(
    pool: ThreadPoolExecutor, function: object, inputs: Iterable, most: int
) -> Iterator:
    """Map in order with so many results waiting, not the whole list's."""
    waiting: list[Future] = []
    try:
        for each in inputs:
            waiting.append(pool.submit(function, each))
            if len(waiting) >= most:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
    finally:
        for future in waiting:
            future.cancel()


def _read(source: str) -> np.ndarray:
    try:
        return decode_photo(Path(source).read_bytes(), source)
    except OSError as error:
        raise UserError(f'{source}: {error.strerror}; check data_prefix') from None
