from itertools import permutations

import numpy as np
import pytest
import scipy.io
from mat_samples import save_mat73

from phr_mmpose.datasets.readers.lsp_joints import read_lsp_joints
from phr_mmpose.utils.errors import UserError

PERSONS = np.random.default_rng(0).random((20, 14, 3))


@pytest.mark.parametrize('numbers', [2, 3])
@pytest.mark.parametrize('order', list(permutations(range(3))))
def test_any_order_of_axes(tmp_path, order, numbers):
    path = tmp_path / 'joints.mat'
    right = PERSONS[..., :numbers]
    scipy.io.savemat(path, {'joints': right.transpose(order)})
    persons, is_lspet = read_lsp_joints(path)
    np.testing.assert_array_equal(persons, right)
    # 14 x 3 x N, and N x 3 x 14 as version 7.3 has it.
    assert is_lspet == (order in ((1, 2, 0), (0, 2, 1)))


@pytest.mark.parametrize(('order', 'lspet'), [((1, 2, 0), True), ((2, 1, 0), False)])
def test_version_7_3(tmp_path, order, lspet):
    path = save_mat73(tmp_path / 'joints.mat', {'joints': PERSONS.transpose(order)})
    persons, is_lspet = read_lsp_joints(path)
    np.testing.assert_array_equal(persons, PERSONS)
    assert is_lspet == lspet


@pytest.mark.parametrize('shape', [(14, 3, 14), (3, 14), (4, 14, 50)])
def test_sizes_that_leave_the_axes_open_are_refused(tmp_path, shape):
    path = tmp_path / 'joints.mat'
    scipy.io.savemat(path, {'joints': np.zeros(shape)})
    with pytest.raises(UserError, match='holds joints ' + ' x '.join(map(str, shape))):
        read_lsp_joints(path)


def test_another_variable_is_named(tmp_path):
    scipy.io.savemat(tmp_path / 'joints.mat', {'other': PERSONS})
    with pytest.raises(UserError, match='it holds other 20 x 14 x 3'):
        read_lsp_joints(tmp_path / 'joints.mat')
