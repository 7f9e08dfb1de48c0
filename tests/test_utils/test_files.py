"""Files are written whole or not at all."""

import os

import pytest

from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path


def test_the_file_appears_at_the_end(tmp_path):
    path = tmp_path / 'new' / 'result.json'
    with atomic_path(path) as temporary:
        temporary.write_text('whole')
        assert temporary.suffix == '.json' and temporary.parent == path.parent
        assert not path.exists()
    assert path.read_text() == 'whole'
    assert os.listdir(path.parent) == ['result.json']
    # As readable as any other file, which a temporary one is not.
    (tmp_path / 'other').write_text('')
    assert path.stat().st_mode == (tmp_path / 'other').stat().st_mode


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / 'result.json'
    path.write_text('old')
    with pytest.raises(ZeroDivisionError), atomic_path(path) as temporary:
        temporary.write_text('half')
        1 / 0  # noqa: B018
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['result.json']


def test_a_place_that_cannot_be_written_gets_one_line(tmp_path):
    (tmp_path / 'file').write_text('')
    path = tmp_path / 'file' / 'result.json'
    with pytest.raises(UserError, match=r'result\.json: cannot be written \('):
        with atomic_path(path):
            pass
