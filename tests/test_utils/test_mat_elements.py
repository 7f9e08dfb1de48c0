"""Files of MATLAB that scipy would die of, each made from a sound one."""

import io
import struct
import zlib

import numpy as np
import pytest
import scipy.io

from phr_mmpose.utils.mat_elements import check_elements
from phr_mmpose.utils.mat_files import load_mat

NUMBERS = np.arange(6, dtype=np.int16).reshape(2, 3)
# The element with these numbers, of type 3: 16-bit integers.
CONTENT = struct.pack('<II', 3, 12) + NUMBERS.T.tobytes()


def saved(value: object, **options) -> bytes:
    stream = io.BytesIO()
    scipy.io.savemat(stream, {'value': value}, **options)
    return stream.getvalue()


def variable(value: object) -> bytes:
    """The variable with its tag, behind the file's header."""
    return saved(value)[128:]


def cells(*values: object) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


@pytest.mark.parametrize(
    'value',
    [
        NUMBERS,
        NUMBERS * 1j,
        'text',
        np.zeros((0, 3)),
        np.array([True]),
        cells('a', 1.5, np.zeros((0, 0))),
        {'name': 'a', 'of': {'more': [1, 2]}},
        scipy.sparse.csc_array(np.eye(300)),
    ],
)
def test_what_scipy_writes_is_sound(value):
    check_elements(variable(value), '<')


@pytest.mark.parametrize('kind', [0, 8, 10, 14, 15, 19, 20, 200])
def test_types_that_are_none(kind):
    # What scipy takes for an index, of a table of 20.
    content = variable(NUMBERS)
    assert content.count(CONTENT) == 1
    forged = content.replace(CONTENT, struct.pack('<I', kind) + CONTENT[4:])
    with pytest.raises(ValueError, match=r'type|class'):
        check_elements(forged, '<')


@pytest.mark.parametrize('value', [np.zeros(1), 'a', cells(1)], ids=type)
def test_more_cells_than_bytes(value):
    # Behind the tags of the array, of its flags and of its sizes.
    content = variable(value)
    forged = content[:32] + struct.pack('<ii', 50_000, 50_000) + content[40:]
    with pytest.raises(ValueError, match=r'\(50000, 50000\) cells'):
        check_elements(forged, '<')


def test_arrays_that_nest_deeply():
    value = cells(1)
    for _ in range(120):
        value = cells(value)
    with pytest.raises(ValueError, match='deeper'):
        check_elements(variable(value), '<')


@pytest.mark.parametrize('left', [-6, -9, -20])
def test_arrays_that_are_cut_short(left):
    with pytest.raises(ValueError):
        check_elements(variable(NUMBERS)[:left], '<')


@pytest.mark.parametrize('compressed', [False, True])
def test_a_file_is_checked_before_it_is_read(tmp_path, compressed):
    path = tmp_path / 'forged.mat'
    content = saved(NUMBERS).replace(CONTENT, struct.pack('<I', 8) + CONTENT[4:])
    if compressed:
        packed = zlib.compress(content[128:])
        content = content[:128] + struct.pack('<II', 15, len(packed)) + packed
    path.write_bytes(content)
    with pytest.raises(ValueError, match='type 8'):
        load_mat(path, lambda name, shape, size: True)
    # A variable that nobody asks for may be anything.
    assert load_mat(path, lambda name, shape, size: False) == {}
