"""Find the photos of a job, wherever they lie."""

import glob
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from phr_mmpose.apis.media import PHOTO_SUFFIXES
from phr_mmpose.utils.errors import UserError, first_line

PHOTOS = pa.schema([('path', pa.string()), ('boxes', pa.string())])
"""pa.Schema: A photo and its boxes as JSON, null where none are given."""


def list_photos(sources: Sequence[str]) -> pa.Table:
    """List photos.

    Args:
        sources (Sequence[str]): Photos; folders, which are searched with their folders
            and those that they link to for files with a photo's suffix; patterns such
            as ``'day*/*.jpg'``; Parquet files with a column ``path`` and perhaps
            ``boxes``, N x 4 numbers; or addresses of an object store
            (``s3://bucket/folder``), in which spaces and ``#`` are written ``%20`` and
            ``%23``.

    Returns:
        pa.Table: :data:`PHOTOS`, each path once, in the order given. Local paths are
        absolute, since other processes have other working directories.

    Raises:
        UserError: If one of them is not there, cannot be read or holds no photo, or a
            photo comes twice with different boxes.
    """
    found: dict[str, str | None] = {}
    for source in sources:
        count = 0
        for path, boxes in _list_one(source):
            count += 1
            if found.setdefault(_checked(path), boxes) != boxes:
                raise UserError(
                    f'{path}: comes twice with different boxes; name it once, with '
                    'the boxes of all its persons in one row'
                )
        if not count:
            raise UserError(f'{source}: no photo in it')
    return pa.table([list(found), list(found.values())], schema=PHOTOS)


def read_file(path: str) -> bytes:
    """Read a file of this machine or an object store.

    Args:
        path (str): A path or an address.

    Returns:
        bytes: Its content.

    Raises:
        UserError: If it cannot be read.
    """
    try:
        if '://' not in path:
            return Path(path).read_bytes()
        store, key = fs.FileSystem.from_uri(path)
        with store.open_input_file(key) as file:
            return file.read()
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, 'strerror', None) or first_line(error)
        raise UserError(f'{path}: {reason}') from None


def _checked(path: str) -> str:
    """Refuse a name that Parquet cannot hold."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise UserError(f'{path!a}: a name that is not UTF-8; rename it') from None
    return path


def _list_one(source: str) -> Iterator[tuple[str, str | None]]:
    if '://' in source:
        yield from ((path, None) for path in _list_store(source))
        return
    path = Path(source)
    if path.is_dir():
        yield from ((str(each.absolute()), None) for each in sorted(_walk(path)))
    elif path.suffix.lower() == '.parquet' and path.is_file():
        yield from _read_parquet(path)
    elif path.is_file():
        yield str(path.absolute()), None
    elif glob.has_magic(source):
        for each in sorted(glob.glob(source, recursive=True)):
            yield from _list_one(each) if Path(each).is_file() else ()
    else:
        raise UserError(f'{source}: no such photo, folder or Parquet file')


def _walk(folder: Path) -> Iterator[Path]:
    """Find photos, also in linked folders; no folder is searched twice."""
    seen, tops = set(), [str(folder)]
    # Links wait for what is there without them, and add their own.
    for top in tops:
        for name, folders, files in os.walk(top):
            real = os.path.realpath(name)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders.sort()
            paths = (os.path.join(name, each) for each in folders)
            tops += filter(os.path.islink, paths)
            yield from (Path(name, each) for each in files if _is_photo(each))


def _list_store(address: str) -> list[str]:
    try:
        store, key = fs.FileSystem.from_uri(address)
        info = store.get_file_info(key)
        if info.type == fs.FileType.File:
            return [address]
        infos = store.get_file_info(fs.FileSelector(key, recursive=True))
    except (OSError, pa.ArrowException) as error:
        raise UserError(f'{address}: {first_line(error)}') from None
    scheme, _, rest = address.partition('://')
    _, mark, options = rest.partition('?')
    # As in an address: a space or # would else break it, or name another file.
    return sorted(
        f'{scheme}://{quote(each.path)}{mark}{options}'
        for each in infos
        if each.type == fs.FileType.File and _is_photo(each.base_name)
    )


def _read_parquet(path: Path) -> Iterator[tuple[str, str | None]]:
    try:
        names = pq.read_schema(path).names
        if 'path' not in names:
            raise UserError(f'{path}: has no column "path", but {", ".join(names)}')
        columns = [name for name in ('path', 'boxes') if name in names]
        rows = pq.read_table(path, columns=columns).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise UserError(f'{path}: {first_line(error)}') from None
    for row in rows:
        name, boxes = row['path'], row.get('boxes')
        if not isinstance(name, str):
            raise UserError(f'{path}: the column "path" holds something else than text')
        if '://' not in name:
            name = str(Path(name).absolute())
        yield name, None if boxes is None else json.dumps(boxes)


def _is_photo(name: str) -> bool:
    return not name.startswith('.') and Path(name).suffix.lower() in PHOTO_SUFFIXES
