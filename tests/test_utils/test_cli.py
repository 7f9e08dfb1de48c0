"""Tools end with one line, wherever the error comes from."""

import signal
import sys
from pathlib import Path

from phr_mmpose.utils.cli import check_within, run

import pytest
from torch.utils.data import DataLoader, Dataset

from phr_mmpose.utils import interrupts
from phr_mmpose.utils.errors import UserError

REPO = Path(__file__).resolve().parents[2]


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


@pytest.fixture
def ctrl_c():
    """Python's own handler, which is not there where tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize('handler', [signal.SIG_IGN, lambda *_: None])
def test_who_handles_ctrl_c_otherwise_keeps_it(ctrl_c, handler):
    signal.signal(signal.SIGINT, handler)
    run(interrupts.end_script_at_once)
    assert signal.getsignal(signal.SIGINT) is handler


def test_importing_the_package_leaves_ctrl_c_to_other_programs(ctrl_c):
    interrupts.end_script_at_once()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_script_s_ctrl_c_raises_again_once_it_runs(ctrl_c, monkeypatch):
    script = str(REPO / 'tools' / 'demo.py')
    monkeypatch.setattr(sys.modules['__main__'], '__file__', script, raising=False)
    interrupts.end_script_at_once()
    assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    run(lambda: None)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize('value', [-0.1, 1.1, float('nan')])
def test_numbers_out_of_range_are_refused(value):
    with pytest.raises(UserError, match=r'^--share \S+: give a number from 0 to 1$'):
        check_within('--share', value, 0, 1)
    check_within('--share', 0, 0, 1)
    check_within('--share', 1, 0, 1)
