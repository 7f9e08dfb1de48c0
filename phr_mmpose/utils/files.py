"""Files that appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phr_mmpose.utils.errors import UserError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that replaces it on success.

    The temporary file keeps the suffix of ``path``, so that libraries which
    choose a format by suffix write the right one. After an exception it is
    removed and ``path`` is as it was.

    Args:
        path (str | Path): The file to write. Its folder is made if missing.

    Yields:
        Path: Where to write.

    Raises:
        UserError: If nothing can be written there.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f'.{path.stem}.', suffix=path.suffix, dir=path.parent
        )
    except OSError as error:
        raise UserError(
            f'{path}: cannot be written ({error.strerror}); name another place'
        ) from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; results get the permissions of any other.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
