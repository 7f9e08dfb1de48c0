"""The archive that a checkpoint is, looked at before anything is taken out of it."""

import pickle
import pickletools
import re
import struct
import zipfile
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

# With which torch, too, tells an archive from the files of versions before 1.6.
_BEGINNING = b'PK\x03\x04'
# torch lets a pickle call these, and they make room for as many values as it says.
_MAKE_ROOM = re.compile(
    r'(__builtin__|builtins)[ .]bytearray|torch\.storage[ .](Unt|T)ypedStorage'
    r'|torch(\.\w+)*[ .]\w*Tensor'
)


def check_name(name: str) -> None:
    """Refuse what torch's allow-list has and makes room of any size.

    Args:
        name (str): As pickled, with a space or a dot after the module.

    Raises:
        pickle.UnpicklingError: If it does.
    """
    if _MAKE_ROOM.fullmatch(name):
        raise pickle.UnpicklingError(f'GLOBAL {name.replace(" ", ".")} is not allowed')


def check_archive(file: str | Path | BinaryIO) -> int:
    """Verify the checksums of a checkpoint, which torch passes over.

    Those saved with ``torch.serialization.set_crc32_options(False)`` have none, nor
    have files before torch 1.6, which are no archives. Of all it is seen that no
    tensor claims more numbers than the file has bytes: torch makes room for them
    first, or, before 2.2, reads beyond what an archive has.

    Args:
        file (str | Path | BinaryIO): The checkpoint; one that is open is left
            where it stood.

    Returns:
        int: How many bytes the file has.

    Raises:
        zipfile.BadZipFile: If a byte has changed, or the archive would unfold to
            more than the file's own size.
        pickle.UnpicklingError: If a tensor claims more than the file has, or the
            pickle calls what makes room of any size.
        Exception: Another one if an old file is damaged, as pickletools raises.
        OSError: If the file cannot be read.
    """
    is_path = isinstance(file, (str, Path))
    with open(file, 'rb') if is_path else nullcontext(file) as opened:
        start = opened.tell()
        is_archive = opened.read(len(_BEGINNING)) == _BEGINNING
        size = opened.seek(0, 2)
        if is_archive:
            _check(opened, size)
        else:
            opened.seek(start)
            # A magic number, the version, the machine, and what was saved.
            for _ in range(4):
                _check_pickle(opened, size)
        opened.seek(start)
        return size


def _check_pickle(file: BinaryIO, size: int) -> None:
    """Check the names that a pickle asks for, and how long its tensors claim to be."""
    # A tensor is written as a tuple that names a storage and its length, then as a
    # call with its offset, shape and strides: the numbers of the one, then of the
    # other.
    numbers: list[int] = []
    in_tensor = False
    for code, argument, _ in pickletools.genops(file):
        if code.name == 'GLOBAL':
            check_name(argument)
        if code.name == 'MARK' and not in_tensor:
            numbers = []
        elif code.name.startswith(('BININT', 'LONG', 'INT')) and argument:
            numbers.append(int(argument))
        elif code.name in ('BINPERSID', 'PERSID') or (
            code.name == 'REDUCE' and in_tensor
        ):
            if max(numbers, default=0) > size:
                raise pickle.UnpicklingError(f'a tensor of {max(numbers)} numbers')
            numbers, in_tensor = [], code.name != 'REDUCE'


def _check(file: BinaryIO, size: int) -> None:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if (
            any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
            or sum(entry.file_size for entry in entries) > size
        ):
            raise zipfile.BadZipFile('it is compressed, as torch never saves')
        for entry in entries:
            if entry.filename.endswith('data.pkl'):
                # By its place: zipfile reads nothing without a checksum.
                file.seek(entry.header_offset + 26)
                file.seek(sum(struct.unpack('<HH', file.read(4))), 1)
                _check_pickle(file, size)
        if not any(entry.CRC for entry in entries):
            return
        damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f'the checksum of {damaged} is another')
