"""Files are written whole or not at all."""

import errno
import os

import pytest

from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path, check_output, make_folder


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


def test_a_folder_is_no_file_to_write(tmp_path):
    for write in (atomic_path, check_output):
        with pytest.raises(UserError, match=r'is a folder; name a file'):
            with write(tmp_path):
                pass
    assert not list(tmp_path.iterdir())


def test_a_folder_that_comes_in_between_gets_one_line(tmp_path):
    path = tmp_path / 'result.json'
    with pytest.raises(UserError, match=r'result\.json: cannot be written \('):
        with atomic_path(path):
            path.mkdir()
    assert os.listdir(tmp_path) == ['result.json']


def test_a_full_disk_gets_one_line_and_leaves_the_old_file(tmp_path):
    path = tmp_path / 'result.json'
    path.write_text('old')
    with pytest.raises(UserError, match=r'result\.json: cannot be written \(No space'):
        with atomic_path(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['result.json']


def test_faults_of_other_files_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / 'copy') as temporary:
        temporary.write_bytes((tmp_path / 'original').read_bytes())


def test_places_for_results_are_checked_before_the_work(tmp_path):
    (tmp_path / 'file').write_text('')
    check_output(tmp_path / 'file')
    check_output(tmp_path / 'new' / 'folder' / 'result.json')
    for path in ('file/result.json', 'file/folder/result.json'):
        with pytest.raises(UserError, match=r'file is no folder'):
            check_output(tmp_path / path)
    with pytest.raises(UserError, match=r'file: cannot be a folder for results \('):
        make_folder(tmp_path / 'file')
    assert make_folder(tmp_path / 'new' / 'folder').is_dir()
    assert make_folder(tmp_path / 'new').is_dir()


def test_of_a_link_the_file_is_written(tmp_path):
    (tmp_path / 'disk').mkdir()
    for name, old in (('result.json', 'old'), ('new.json', None)):
        file, link = tmp_path / 'disk' / name, tmp_path / name
        if old:
            file.write_text(old)
        link.symlink_to(file)
        check_output(link)
        with atomic_path(link) as temporary:
            temporary.write_text('new')
        assert link.is_symlink() and file.read_text() == 'new'


@pytest.mark.parametrize(
    'refuse', [check_output, lambda path: next(atomic_path(path).gen)]
)
def test_a_pipe_is_no_file_to_write(tmp_path, refuse):
    """As /dev/stdout, which root could replace by a file."""
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'link').symlink_to('pipe')
    for name in ('pipe', 'link'):
        with pytest.raises(UserError, match='is a device or a pipe; name a file'):
            refuse(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ['link', 'pipe']
