"""Files that appear whole or not at all."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phr_mmpose.utils.errors import UserError

# What a place that takes no more says of itself, whoever writes to it.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
# The log and the config of a run.
_RUN_BYTES = 2**20


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that replaces it on success.

    The temporary file keeps the suffix of ``path``, so that libraries which
    choose a format by suffix write the right one. After an exception it is
    removed and ``path`` is as it was. Of a link, what it leads to is written.

    Args:
        path (str | Path): The file to write. Its folder is made if missing.

    Yields:
        Path: Where to write.

    Raises:
        UserError: If nothing can be written there, or no more while it is
            written.
    """
    path = Path(os.path.realpath(path))
    _refuse_other_kinds(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f'.{path.stem}.', suffix=path.suffix, dir=path.parent
        )
    except OSError as error:
        raise _cannot_be_written(path, error) from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; results get the permissions of any other.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        # What is done inside may also fail at files of its own.
        if error.errno in _FULL or error.filename == str(temporary):
            raise _cannot_be_written(path, error) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def check_output(path: str | Path) -> None:
    """Refuse a file that cannot be written, before the work that is to fill it.

    Args:
        path (str | Path): The file; neither it nor its folder need exist.

    Raises:
        UserError: If it is no file, or cannot be made where it is to stand.
    """
    _refuse_other_kinds(Path(path))
    parent = Path(os.path.realpath(path)).parent
    while not os.path.exists(parent) and parent != parent.parent:
        parent = parent.parent
    if not os.path.isdir(parent):
        raise UserError(
            f'{path}: cannot be written ({parent} is no folder); name another place'
        )
    if not os.access(parent, os.W_OK | os.X_OK):
        raise _cannot_be_written(path, PermissionError(errno.EACCES, 'no permission'))


def make_folder(folder: str | Path) -> Path:
    """Make a folder for results, if it is not there.

    Args:
        folder (str | Path): The folder.

    Returns:
        Path: The same.

    Raises:
        UserError: If it cannot be made, or a file has its name.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # a null byte in the name
        reason = getattr(error, 'strerror', None) or error
        raise UserError(
            f'{folder}: cannot be a folder for results ({reason}); name another place'
        ) from None
    return folder


def make_work_dir(folder: str | Path) -> None:
    """Make the folder of a run, and see that it takes a log.

    Args:
        folder (str | Path): The folder.

    Raises:
        UserError: If it cannot be made or written to, or has no room.
    """
    with writing_to(make_folder(folder)):
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(_RUN_BYTES))
        except PermissionError as error:
            raise _cannot_be_written(Path(folder), error) from None


@contextmanager
def writing_to(folder: str | Path) -> Iterator[None]:
    """Say so where what runs inside finds no room.

    Args:
        folder (str | Path): Where it writes.

    Raises:
        UserError: In place of an ``OSError`` of a full disk.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise UserError(
            f'{folder}: no more can be written there ({error.strerror}); make room, '
            'or name another place'
        ) from error


def _refuse_other_kinds(path: Path) -> None:
    # Not Path's own, which fails below folders that may not be searched.
    if os.path.isdir(path):
        raise UserError(f'{path}: is a folder; name a file')
    if os.path.exists(path) and not os.path.isfile(path):
        raise UserError(f'{path}: is a device or a pipe; name a file')


def _cannot_be_written(path: Path, error: OSError) -> UserError:
    return UserError(
        f'{path}: cannot be written ({error.strerror}); name another place'
    )
