import h5py
import numpy as np
import pytest
import scipy.io

from phr_mmpose.datasets.readers.matlab import load_mat_variable
from phr_mmpose.utils.errors import UserError


def test_reads_one_variable(tmp_path):
    path = tmp_path / 'a.mat'
    scipy.io.savemat(path, {'joints': np.eye(2), 'other': 3})
    assert load_mat_variable(path, 'joints').tolist() == [[1, 0], [0, 1]]


def test_another_kind_of_mat_names_what_it_holds(tmp_path):
    path = tmp_path / 'a.mat'
    scipy.io.savemat(path, {'boxes': 1, 'scores': 2})
    with pytest.raises(
        UserError, match=r'no variable "joints".*boxes, scores'
    ) as caught:
        load_mat_variable(path, 'joints')
    assert str(path) in str(caught.value)


def test_version_7_3_names_the_mend(tmp_path):
    path = tmp_path / 'a.mat'
    with h5py.File(path, 'w', userblock_size=512) as file:
        file['joints'] = np.eye(2)
    header = b'MATLAB 7.3 MAT-file'.ljust(124) + b'\x00\x02IM'
    with open(path, 'r+b') as stream:
        stream.write(header)
    with pytest.raises(UserError, match='-v7'):
        load_mat_variable(path, 'joints')


@pytest.mark.parametrize('content', [b'', b'hello', b'x' * 3000])
def test_what_is_no_mat_file(tmp_path, content):
    path = tmp_path / 'a.mat'
    path.write_bytes(content)
    with pytest.raises(UserError, match=r'not a readable \.mat'):
        load_mat_variable(path, 'joints')


def test_truncated_and_missing(tmp_path):
    path = tmp_path / 'a.mat'
    scipy.io.savemat(path, {'joints': np.random.default_rng(0).normal(size=(30, 30))})
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match=r'not a readable \.mat'):
        load_mat_variable(path, 'joints')
    with pytest.raises(UserError, match='no such file'):
        load_mat_variable(tmp_path / 'none.mat', 'joints')
