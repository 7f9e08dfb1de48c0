"""The file of a crop cache: an LMDB environment, and when it can be trusted."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from phr_mmpose.datasets.crops.plan import CropPlan
from phr_mmpose.utils.errors import UserError

FORMAT = 1
"""int: Version of the file's layout."""

PLAN_KEY, DONE_KEY = b'plan', b'finished'
AGAIN = 'delete it and make it again with tools/cache_crops.py'
"""str: How to mend a cache. The tool leaves one that is finished as it is."""

# LMDB forbids a second handle on a file in one process, and the use of a handle
# in a forked one: one for each file and process, opened when it is needed.
_handles: dict[tuple[int, str], tuple[tuple, object]] = {}
_handles_lock = threading.Lock()


def import_lmdb() -> ModuleType:
    """Import the optional package.

    Raises:
        UserError: If it is not installed.
    """
    try:
        import lmdb
    except ImportError:
        raise UserError(
            'a crop cache needs the package lmdb: pip install lmdb'
        ) from None
    return lmdb


def person_key(number: int) -> bytes:
    """Key of a person's record, in the order of the list."""
    return b'%010d' % number


def reader(path: str | Path) -> object:
    """Give this process's handle on a cache.

    Args:
        path (str | Path): The cache.

    Returns:
        lmdb.Environment: For reading only; stays open as long as the process.

    Raises:
        UserError: If the file cannot be opened.
    """
    key = (os.getpid(), os.path.realpath(path))
    try:
        status = os.stat(path)
    except OSError:
        raise _missing(path) from None
    # A file that was made again under the same name needs another handle.
    version = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    with _handles_lock:
        found, environment = _handles.get(key, (None, None))
        if found != version:
            if environment is not None:
                del _handles[key]
                environment.close()
            environment = _open(path)
            _handles[key] = (version, environment)
        return environment


@contextmanager
def reading(path: str | Path) -> Iterator[object]:
    """Read from a cache.

    Args:
        path (str | Path): The cache.

    Yields:
        lmdb.Transaction: For reading only.

    Raises:
        UserError: If the file cannot be opened, or a page of it is damaged.
    """
    environment = reader(path)
    try:
        with environment.begin() as transaction:
            yield transaction
    except import_lmdb().Error as error:
        raise damaged(path, error) from None


def damaged(path: str | Path, error: Exception) -> UserError:
    """Give the error for pages that LMDB cannot read.

    Args:
        path (str | Path): The cache.
        error (lmdb.Error): What LMDB said.
    """
    return UserError(f'{path}: the crop cache is damaged ({error}); {AGAIN}')


def forget(path: str | Path) -> None:
    """Close this process's handle on a cache, before it is written.

    Args:
        path (str | Path): The cache.
    """
    with _handles_lock:
        _, environment = _handles.pop((os.getpid(), os.path.realpath(path)), (0, None))
        if environment is not None:
            environment.close()


def _forget_inherited() -> None:
    """Close what a forked process must not use; it opens for itself."""
    global _handles_lock
    # A thread that the new process does not have may hold the old lock.
    _handles_lock = threading.Lock()
    for _, environment in _handles.values():
        environment.close()
    _handles.clear()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_forget_inherited)


def check(path: str | Path, plan: CropPlan) -> None:
    """Check that a cache is whole and serves a data set.

    Args:
        path (str | Path): The cache.
        plan (CropPlan): What the data set needs.

    Raises:
        UserError: If it is missing, damaged, unfinished, of another version, or was
            made from something else.
    """
    if not Path(path).is_file():
        raise _missing(path)
    with reading(path) as transaction:
        kept = read_plan(transaction.get(PLAN_KEY), path)
        finished = transaction.get(DONE_KEY) is not None
        entries = transaction.stat()['entries']
    reason = plan.difference(kept)
    if reason:
        raise UserError(f'{path}: this crop cache {reason}; {AGAIN}')
    if not finished:
        raise UserError(
            f'{path}: the crop cache is not finished ({max(0, entries - 1)} of '
            f'{kept.persons} persons); run tools/cache_crops.py again, it goes on'
        )
    if entries != kept.persons + 2:
        raise UserError(f'{path}: the crop cache lacks persons; {AGAIN}')


def read_plan(value: bytes | None, path: str | Path) -> CropPlan:
    """Read what a cache was made from.

    Args:
        value (bytes | None): The entry of ``PLAN_KEY``.
        path (str | Path): The cache, for the error message.

    Returns:
        CropPlan: As written.

    Raises:
        UserError: If it is none of ours or of another version.
    """
    try:
        entry = json.loads(value)
        version = entry['format']
        if version == FORMAT:
            return CropPlan.from_json(entry['plan'])
    except (KeyError, TypeError, ValueError):
        raise UserError(f'{path}: an LMDB file, but no crop cache; {AGAIN}') from None
    raise UserError(f'{path}: crop cache of format {version}, not {FORMAT}; {AGAIN}')


def check_length(environment: object, path: str | Path) -> None:
    """Check that no page lies beyond the file's end.

    LMDB maps the file: touching a page that is not there kills the process.

    Args:
        environment (lmdb.Environment): The file, just opened.
        path (str | Path): The same.

    Raises:
        UserError: If the file was cut off.
    """
    # Both numbers come from the first two pages, which LMDB read when it opened.
    length = (environment.info()['last_pgno'] + 1) * environment.stat()['psize']
    if os.path.getsize(path) < length:
        raise UserError(f'{path}: the crop cache ends early (truncated); {AGAIN}')


def _open(path: str | Path) -> object:
    lmdb = import_lmdb()
    try:
        environment = lmdb.open(
            str(path),
            subdir=False,
            readonly=True,
            lock=False,
            readahead=False,
            meminit=False,
            create=False,
        )
    except lmdb.Error as error:
        raise UserError(
            f'{path}: not a readable crop cache ({error}); {AGAIN}'
        ) from None
    try:
        check_length(environment, path)
    except lmdb.Error as error:
        environment.close()
        raise damaged(path, error) from None
    except UserError:
        environment.close()
        raise
    return environment


def _missing(path: str | Path) -> UserError:
    return UserError(
        f'{path}: no such crop cache; make it with tools/cache_crops.py, or leave '
        'crop_cache out'
    )
