"""Tools end with one line, wherever the error comes from."""

import pytest
from torch.utils.data import DataLoader, Dataset

from phr_mmpose.utils.cli import check_within, run
from phr_mmpose.utils.errors import UserError


class Broken(Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise UserError('a\nb.jpg: the photo ends early')


@pytest.mark.parametrize('workers', [0, 1])
def test_a_loader_s_error_is_one_line(workers, capsys):
    with pytest.raises(SystemExit) as stop:
        run(lambda: list(DataLoader(Broken(), num_workers=workers)))
    assert stop.value.code == 2
    assert capsys.readouterr().err == 'error: a\\nb.jpg: the photo ends early\n'


def test_an_interruption_has_its_own_code(capsys):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as stop:
        run(interrupted)
    assert stop.value.code == 130
    assert capsys.readouterr().err == 'error: interrupted\n'


@pytest.mark.parametrize('value', [-0.1, 1.1, float('nan')])
def test_numbers_out_of_range_are_refused(value):
    with pytest.raises(UserError, match=r'^--sure \S+: give a number from 0 to 1$'):
        check_within('--sure', value, 0, 1)
    check_within('--sure', 0, 0, 1)
    check_within('--sure', 1, 0, 1)
