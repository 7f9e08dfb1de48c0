"""Every format of saved arrays, and what may be wrong with such a file."""

import json
import pickle
import struct
import tracemalloc
import zipfile
import zlib

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st
from mat_samples import save_mat73

from phr_mmpose.utils import array_files
from phr_mmpose.utils.array_files import arrangements, describe, read_arrays
from phr_mmpose.utils.errors import UserError

ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def write(path, array):
    if path.suffix == '.mat':
        scipy.io.savemat(path, {'preds': array})
    elif path.suffix == '.h5':
        with h5py.File(path, 'w') as file:
            file['preds'] = array
    elif path.suffix == '.npz':
        np.savez(path, preds=array)
    elif path.suffix == '.npy':
        np.save(path, array)
    else:
        path.write_text(json.dumps({'preds': array.tolist()}))


@pytest.mark.parametrize('suffix', ['.mat', '.h5', '.npz', '.npy', '.json'])
def test_every_format(tmp_path, suffix):
    path = tmp_path / f'file{suffix}'
    write(path, ARRAY)
    ((name, array),) = read_arrays(path).items()
    assert name == ('' if suffix == '.npy' else 'preds')
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, ARRAY)


def test_mat_of_version_73_is_hdf5(tmp_path):
    # MATLAB puts cells and texts beside the arrays.
    path = save_mat73(tmp_path / 'v73.mat', {'pred': ARRAY, '#refs#/a': ARRAY})
    with h5py.File(path, 'a') as file:
        file['name'] = 'a text'
    assert list(read_arrays(path)) == ['pred']


def test_nested_groups_and_large_arrays_of_hdf5(tmp_path):
    path = tmp_path / 'file.h5'
    with h5py.File(path, 'w') as file:
        file['out/preds'] = ARRAY
        # Declared, never written: costs nothing on disk but 8 GB if it were read.
        file.create_dataset(
            'heatmaps', (1000, 1000, 1000), 'f8', chunks=(1, 1000, 1000)
        )
    assert list(read_arrays(path)) == ['out/preds']


def test_only_numbers_count(tmp_path):
    path = tmp_path / 'file.mat'
    cell = np.empty(2, object)
    cell[:] = [1, 'two']
    scipy.io.savemat(path, {'pred': ARRAY, 'cell': cell, 'text': 'a', 's': {'x': 1}})
    assert list(read_arrays(path)) == ['pred']


def test_json_of_persons_is_stacked(tmp_path):
    path = tmp_path / 'file.json'
    persons = [
        {'image': 'a.jpg', 'joints': [[1, 2], [3, None]], 'extra': 1},
        {'image': 'b.jpg', 'joints': [[5, 6], [7, 8]]},
    ]
    path.write_text(json.dumps(persons))
    arrays = read_arrays(path)
    assert list(arrays) == ['joints']
    # null is a joint without prediction.
    np.testing.assert_array_equal(
        arrays['joints'], [[[1, 2], [3, np.nan]], [[5, 6], [7, 8]]]
    )


@given(st.permutations(range(3)), st.tuples(*[st.integers(1, 4)] * 3))
def test_every_order_of_axes_is_found(order, shape):
    array = np.arange(np.prod(shape), dtype=float).reshape(shape)
    found = [reading for _, reading in arrangements(array.transpose(order), shape)]
    assert all(reading.shape == shape for reading in found)
    assert any((reading == array).all() for reading in found)


def test_axes_of_length_one_may_be_missing():
    assert [a.shape for _, a in arrangements(np.zeros((2, 14)), (1, 14, 2))] == [
        (1, 14, 2)
    ]
    assert not list(arrangements(np.zeros((2, 14, 3)), (1, 14, 2)))


def test_description():
    assert describe({'a': ARRAY, '': np.float64(1)}) == (
        'a 2 x 3 x 4, an array (one number)'
    )


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match=r'none\.mat: no such file'):
        read_arrays(tmp_path / 'none.mat')


def test_unknown_format(tmp_path):
    path = tmp_path / 'file.csv'
    path.write_text('1,2')
    with pytest.raises(UserError, match=r'cannot read \.csv; give one of \.mat'):
        read_arrays(path)


@pytest.mark.parametrize('suffix', ['.mat', '.h5', '.npz', '.npy', '.json'])
@pytest.mark.parametrize('damage', ['garbage', 'truncated', 'empty'])
def test_damaged_files(tmp_path, suffix, damage):
    path = tmp_path / f'file{suffix}'
    write(path, ARRAY)
    content = path.read_bytes()
    damaged = {'garbage': b'garbage' * 99, 'truncated': content[: len(content) // 2]}
    path.write_bytes(damaged.get(damage, b''))
    with pytest.raises(UserError) as caught:
        read_arrays(path)
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


class Bomb:
    """Runs code when unpickled."""

    def __reduce__(self):
        return exec, ('raise SystemExit("code ran")',)


@pytest.mark.parametrize('suffix', ['.npy', '.npz'])
def test_pickles_are_refused(tmp_path, suffix):
    path = tmp_path / f'file{suffix}'
    bomb = np.array([Bomb()], dtype=object)
    np.save(path, bomb) if suffix == '.npy' else np.savez(path, preds=bomb)
    with pytest.raises(UserError, match='not a readable'):
        read_arrays(path)
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UserError, match='not a readable'):
        read_arrays(path)


def test_a_file_without_numbers(tmp_path):
    path = tmp_path / 'file.json'
    path.write_text('{"a": "b"}')
    with pytest.raises(UserError, match='holds no numeric array'):
        read_arrays(path)


def write_zeros(path, numbers):
    """Write arrays of zeros that take no room in the file."""
    if path.suffix == '.npz':
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            with file.open('preds.npy', 'w') as entry:
                header = dict(descr='<f8', fortran_order=False, shape=(numbers,))
                np.lib.format.write_array_header_1_0(entry, header)
                for _ in range(numbers // 2**20):
                    entry.write(bytes(8 * 2**20))
    elif path.suffix == '.h5':
        with h5py.File(path, 'w') as file:
            file.create_dataset('preds', (numbers,), 'f8', fillvalue=1)
    elif path.suffix == '.npy':
        with path.open('wb') as file:
            header = dict(descr='<f8', fortran_order=False, shape=(numbers,))
            np.lib.format.write_array_header_1_0(file, header)
    else:
        zeros = np.zeros(numbers, np.uint8)
        scipy.io.savemat(path, dict(preds=zeros), do_compression=True)


@pytest.mark.parametrize('suffix', ['.mat', '.h5', '.npz', '.npy'])
def test_a_small_file_that_unfolds_is_left_out(tmp_path, suffix):
    path = tmp_path / f'bomb{suffix}'
    write_zeros(path, 24 * 2**20)
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    with pytest.raises(UserError, match=f'bomb{suffix}: (holds no|not a readable)'):
        read_arrays(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # scipy unfolds pieces of 128 kB, a thousand times as much, to see the shape.
    assert suffix == '.mat' or peak < 64 * 2**20


def test_a_mat_file_whose_shape_is_small_and_its_numbers_are_many(tmp_path):
    path = tmp_path / 'bomb.mat'
    write(path, ARRAY)
    content = path.read_bytes()
    packed = zlib.compress(content[128:] + bytes(170_000_000), 1)
    path.write_bytes(content[:128] + struct.pack('<II', 15, len(packed)) + packed)
    with pytest.raises(UserError, match=r'bomb\.mat: holds no numeric array'):
        read_arrays(path)


def test_many_arrays_together_have_a_limit(tmp_path):
    path = tmp_path / 'many.h5'
    with h5py.File(path, 'w') as file:
        for number in range(20):
            file.create_dataset(str(number), (9_000_000,), 'u1', fillvalue=1)
    with pytest.raises(UserError, match=r'many\.h5.*50,000,000 numbers'):
        read_arrays(path)


def test_a_chunk_is_unfolded_as_a_whole(tmp_path):
    path = tmp_path / 'chunk.h5'
    with h5py.File(path, 'w') as file:
        file['preds'] = ARRAY
        file.create_dataset('a', (5,), 'f8', chunks=(2**28,), maxshape=(None,))
    assert list(read_arrays(path)) == ['preds']


def test_hdf5_is_not_followed_to_other_files(tmp_path):
    path = tmp_path / 'file.h5'
    with h5py.File(path, 'w') as file:
        file['preds'] = ARRAY
        file['link'] = h5py.ExternalLink('other.h5', '/preds')
    assert list(read_arrays(path)) == ['preds']
    with h5py.File(path, 'a') as file:
        file.create_dataset('zeros', (4,), 'u1', external=[('/dev/zero', 0, 4)])
    with pytest.raises(UserError, match=r'file\.h5.*zeros lies in other files'):
        read_arrays(path)
    layout = h5py.VirtualLayout((4,), 'u1')
    layout[:] = h5py.VirtualSource('other.h5', 'preds', (4,))
    with h5py.File(path, 'w') as file:
        file.create_virtual_dataset('view', layout)
    with pytest.raises(UserError, match=r'file\.h5.*view lies in other files'):
        read_arrays(path)


@pytest.mark.parametrize(
    'content',
    [
        [[[1, 2], None], [[5, 6], [7, 8]]],
        [[[1, 2], [None, None]], [[5, 6], [7, 8]]],
    ],
)
def test_null_may_stand_for_a_joint(tmp_path, content):
    path = tmp_path / 'file.json'
    path.write_text(json.dumps(content))
    expected = np.arange(1.0, 9).reshape(2, 2, 2)
    expected[0, 1] = np.nan
    np.testing.assert_array_equal(read_arrays(path)[''], expected)


def test_nulls_that_stand_for_too_much_are_refused_beforehand(tmp_path, monkeypatch):
    # As numbers they would be 160 MB.
    content = [[0] * 10_000, *[None] * 2_000]
    tracemalloc.start()
    with pytest.raises(ValueError, match='more than 10,000,000 numbers'):
        array_files._stack(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20
    # Three by four numbers each time, of which two together are too many.
    monkeypatch.setattr(array_files, '_MAX_TOTAL', 23)
    stacked = []
    stack = array_files._stack
    monkeypatch.setattr(
        array_files, '_stack', lambda value: stacked.append(value) or stack(value)
    )
    value = [[1, 2, 3, 4], None, None]
    path = tmp_path / 'file.json'
    path.write_text(json.dumps(dict(a=value, b=value, c=value)))
    with pytest.raises(UserError, match='arrays of more than 23 numbers'):
        read_arrays(path)
    assert stacked.count(value) == 2


def test_null_may_stand_for_all_joints_of_a_person_or_the_person(tmp_path):
    path = tmp_path / 'file.json'
    for unknown in (None, [None, None]):
        path.write_text(json.dumps({'preds': [unknown, [[5, 6], None]]}))
        np.testing.assert_array_equal(
            read_arrays(path)['preds'],
            [np.full((2, 2), np.nan), [[5, 6], [np.nan, np.nan]]],
        )
    path.write_text(json.dumps([[[1, 2], [3]], [[5, 6], [7, 8]]]))
    with pytest.raises(UserError, match='holds no numeric array'):
        read_arrays(path)
