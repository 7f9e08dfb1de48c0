"""Every format of saved arrays, and what may be wrong with such a file."""

import json
import pickle

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from phr_mmpose.evaluation.array_files import arrangements, describe, read_arrays
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
    # MATLAB puts a block of 512 bytes before the HDF5 signature, and cells and
    # texts beside the arrays.
    path = tmp_path / 'v73.mat'
    with h5py.File(path, 'w', userblock_size=512) as file:
        file['pred'] = ARRAY
        file['#refs#/a'] = ARRAY
        file['name'] = 'a text'
    header = b'MATLAB 7.3 MAT-file, Platform: GLNXA64'.ljust(124) + b'\x00\x02IM'
    with path.open('r+b') as file:
        file.write(header)
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
