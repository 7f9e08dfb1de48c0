"""The archive that a checkpoint is, looked at before anything is taken out of it."""

import zipfile
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

# With which torch, too, tells an archive from the files of versions before 1.6.
_BEGINNING = b'PK\x03\x04'


def check_archive(file: str | Path | BinaryIO) -> None:
    """Verify the checksums of a checkpoint, which torch passes over.

    Of files before torch 1.6, which are no archives and have none, and of those
    saved with ``torch.serialization.set_crc32_options(False)`` nothing is checked.

    Args:
        file (str | Path | BinaryIO): The checkpoint; one that is open is left
            where it stood.

    Raises:
        zipfile.BadZipFile: If a byte has changed, or the archive would unfold to
            more than the file's own size.
        OSError: If the file cannot be read.
    """
    is_path = isinstance(file, (str, Path))
    with open(file, 'rb') if is_path else nullcontext(file) as opened:
        start = opened.tell()
        is_archive = opened.read(len(_BEGINNING)) == _BEGINNING
        size = opened.seek(0, 2)
        if is_archive:
            _check(opened, size)
        opened.seek(start)


def _check(file: BinaryIO, size: int) -> None:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if (
            any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
            or sum(entry.file_size for entry in entries) > size
        ):
            raise zipfile.BadZipFile('it is compressed, as torch never saves')
        if not any(entry.CRC for entry in entries):
            return
        damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f'the checksum of {damaged} is another')
