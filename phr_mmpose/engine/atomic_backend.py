"""A file backend, ``atomic``, whose files appear whole or not at all."""

import re
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from phr_mmpose.utils.files import atomic_path


@register_backend('atomic')
class AtomicLocalBackend(LocalBackend):
    """MMEngine's local backend, except for writing.

    A run killed while it saves leaves the previous file, never a torn one. It is
    used only where it is asked for: ``backend_args=dict(backend='atomic')``.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes.

        Args:
            obj (bytes): What to write.
            filepath (str | Path): The file; its folder is made if missing.
        """
        with atomic_path(filepath) as temporary:
            temporary.write_bytes(obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text.

        Args:
            obj (str): What to write.
            filepath (str | Path): The file; its folder is made if missing.
            encoding (str): Defaults to ``'utf-8'``.
        """
        self.put(obj.encode(encoding), filepath)


def remove_torn_checkpoints(folder: str | Path) -> None:
    """Remove what a killed run was writing (the hidden files of ``atomic_path``).

    Args:
        folder (str | Path): A work directory that no other run is writing to.
    """
    for path in Path(folder).glob('.*'):
        if re.fullmatch(
            r'\..+\.[a-z0-9_]{8}\.pth|\.last_checkpoint\.[a-z0-9_]{8}', path.name
        ):
            path.unlink()
