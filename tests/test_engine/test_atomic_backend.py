import multiprocessing
import os
import time

import pytest
import torch
from mmengine.fileio import LocalBackend, get_file_backend
from mmengine.runner import save_checkpoint

from phr_mmpose.engine.atomic_backend import (
    AtomicLocalBackend,
    remove_torn_checkpoints,
)

ATOMIC = {'backend': 'atomic'}


def write_on_and_on(path):
    for number in range(10**6):
        content = {'number': number, 'data': torch.full((10**6,), number)}
        save_checkpoint(content, path, backend_args=ATOMIC)


def test_it_is_used_only_where_it_is_asked_for():
    assert type(get_file_backend('a.pth')) is LocalBackend
    assert type(get_file_backend(backend_args={'backend': 'local'})) is LocalBackend
    named = get_file_backend('a.pth', backend_args=ATOMIC)
    assert type(named) is AtomicLocalBackend


def test_text_and_bytes(tmp_path):
    backend = AtomicLocalBackend()
    backend.put(b'\0\1', tmp_path / 'new' / 'a.bin')
    backend.put_text('é\n', tmp_path / 'b.txt', encoding='latin-1')
    assert (tmp_path / 'new' / 'a.bin').read_bytes() == b'\0\1'
    assert (tmp_path / 'b.txt').read_bytes() == b'\xe9\n'


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'a.pth'
    save_checkpoint({'number': 1}, str(path), backend_args=ATOMIC)

    def full(*args):
        raise OSError('no space left on device')

    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(OSError, match='no space'):
        save_checkpoint({'number': 2}, str(path), backend_args=ATOMIC)
    assert torch.load(path, weights_only=True) == {'number': 1}
    assert os.listdir(tmp_path) == ['a.pth']


def test_a_kill_while_writing_leaves_a_whole_file(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    fork = multiprocessing.get_context('fork')
    process = fork.Process(target=write_on_and_on, args=(str(path),))
    process.start()
    while not path.exists():
        assert process.is_alive()
        time.sleep(0.01)
    first = path.stat().st_mtime_ns
    while path.stat().st_mtime_ns == first:
        assert process.is_alive()
        time.sleep(0.01)
    # Somewhere within the next save.
    while not list(tmp_path.glob('.epoch_1.*')):
        assert process.is_alive()
    process.kill()
    process.join()
    content = torch.load(path, weights_only=True)
    assert (content['data'] == content['number']).all()


def test_only_what_was_being_written_is_removed(tmp_path):
    torn = ['.epoch_1.ab12_x9z.pth', '.stage_joint.ab12_x9z.pth']
    torn += ['.last_checkpoint.ab12_x9z']
    others = ['.hidden.pth', '.notes.ab12_x9z', 'epoch_1.pth', 'last_checkpoint']
    for name in torn + others:
        (tmp_path / name).touch()
    remove_torn_checkpoints(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(others)
