"""JSON: read from anywhere, nothing but what it holds or one line; written whole."""

import gzip
import json
import math
import zlib
from collections.abc import Mapping
from pathlib import Path

from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path

# MPII's training list has 20 MB.
_MOST_BYTES = 256 * 2**20
# Whole numbers of fewer digits are below the largest float.
_MOST_DIGITS = 308


def read_json(path: str | Path, mend: str) -> object:
    """Read a JSON file.

    Args:
        path (str | Path): The file; one whose name ends in ``.gz`` is unpacked.
        mend (str): What the user is to do if that fails.

    Returns:
        object: What it holds; each number is finite as a float, or a NaN or an
        infinity.

    Raises:
        UserError: If the file cannot be read, is no JSON, or has more than 256 MB
            (when it is unpacked).
    """
    path = Path(path)
    try:
        with (gzip.open if path.suffix == '.gz' else open)(path, 'rb') as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError(f'it has more than {_MOST_BYTES >> 20} MB')
        return parse_json(content)
    # A gzip file that ends early raises EOFError, a damaged one zlib.error or an
    # OSError without a reason of the system.
    except (OSError, EOFError, ValueError, zlib.error) as error:
        reason = getattr(error, 'strerror', None) or f'not readable JSON ({error})'
        raise UserError(f'{path}: {reason}; {mend}') from None


def parse_json(content: bytes | str) -> object:
    """Parse JSON as :func:`json.loads`, with numbers that fit into a float.

    Args:
        content (bytes | str): The JSON.

    Returns:
        object: What it holds; a whole number beyond any float is infinite, as
        1e400 is.

    Raises:
        ValueError: If it is no JSON or nests too deeply.
    """
    try:
        return json.loads(content, parse_int=_parse_int)
    except RecursionError:
        raise ValueError('it nests too deeply') from None


def write_json(path: str | Path, content: object, indent: int | None = 2) -> None:
    """Write a JSON file, whole or not at all.

    Args:
        path (str | Path): The file.
        content (object): What ``json`` knows, or numbers and arrays of numpy and
            torch. JSON knows finite numbers only: null stands for NaN and infinity.
        indent (int, optional): Spaces; None writes one line. Defaults to 2.

    Raises:
        UserError: If nothing can be written there.
    """
    text = json.dumps(_plain(content), indent=indent, allow_nan=False, default=float)
    with atomic_path(path) as temporary:
        temporary.write_text(text + '\n')


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if hasattr(value, 'tolist'):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _parse_int(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)
