"""Which photos a job is about."""

import json
import os

import pytest

pytest.importorskip('pyarrow', reason='no pyarrow: pip install -e ".[ray]"')
import pyarrow as pa
import pyarrow.parquet as pq

from phr_mmpose.cluster.sources import list_photos, read_file
from phr_mmpose.utils.errors import UserError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'in').mkdir()
    for name in ('b.jpg', 'a.png', 'in/c.JPG', 'in/notes.txt', '.hidden.jpg'):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def paths(table, folder):
    return [path.removeprefix(f'{folder}/') for path in table['path'].to_pylist()]


def test_folders_are_searched_with_their_folders(folder):
    table = list_photos([str(folder)])
    assert paths(table, folder) == ['a.png', 'b.jpg', 'in/c.JPG']
    assert table['boxes'].null_count == 3


def test_linked_folders_are_searched_once(folder, tmp_path_factory):
    disk = tmp_path_factory.mktemp('disk')
    (disk / 'day').mkdir()
    (disk / 'day' / 'd.jpg').touch()
    # A folder elsewhere, which links back, and again; and one that is there anyway.
    (folder / 'day1').symlink_to(disk / 'day')
    (folder / 'day2').symlink_to(disk / 'day')
    (disk / 'day' / 'loop').symlink_to(folder)
    (folder / 'also').symlink_to(folder / 'in')
    table = list_photos([str(folder)])
    assert paths(table, folder) == ['a.png', 'b.jpg', 'day1/d.jpg', 'in/c.JPG']


def test_patterns_and_photos_come_once_and_in_order(folder, monkeypatch):
    monkeypatch.chdir(folder)
    table = list_photos(['b.jpg', '*/*', '*.*'])
    # A pattern takes what it matches, whatever the suffix.
    assert paths(table, folder) == ['b.jpg', 'in/c.JPG', 'in/notes.txt', 'a.png']


def test_parquet_gives_paths_and_boxes(folder, monkeypatch):
    monkeypatch.chdir(folder)
    boxes = [[[0, 0, 4, 5]], None, []]
    rows = pa.table({'path': ['b.jpg', 'a.png', 's3://x/y.jpg'], 'boxes': boxes})
    pq.write_table(rows, folder / 'list.parquet')
    table = list_photos(['list.parquet'])
    assert paths(table, folder) == ['b.jpg', 'a.png', 's3://x/y.jpg']
    found = [each and json.loads(each) for each in table['boxes'].to_pylist()]
    assert found == [[[0, 0, 4, 5]], None, []]


def test_a_photo_with_two_sets_of_boxes_is_refused(folder):
    path, file = str(folder / 'b.jpg'), str(folder / 'list.parquet')
    first, second = [[0, 0, 10, 10]], [[20, 20, 40, 40]]
    pq.write_table(pa.table({'path': [path] * 2, 'boxes': [first, second]}), file)
    with pytest.raises(UserError, match=r'b\.jpg: comes twice with different boxes'):
        list_photos([file])
    pq.write_table(pa.table({'path': [path] * 2, 'boxes': [first] * 2}), file)
    assert paths(list_photos([file]), folder) == ['b.jpg']
    # The folder says nothing of boxes.
    with pytest.raises(UserError, match=r'b\.jpg: comes twice with different boxes'):
        list_photos([str(folder), file])


def test_addresses_are_read_by_their_store(folder):
    table = list_photos([f'file://{folder}'])
    assert [path.rpartition('/')[2] for path in table['path'].to_pylist()] == [
        'a.png',
        'b.jpg',
        'c.JPG',
    ]
    assert read_file(f'file://{folder}/b.jpg') == b'b.jpg'


@pytest.mark.parametrize('name', ['a b.jpg', 'ä.jpg', 'a#b.jpg', 'a%20b.jpg', 'a?.jpg'])
def test_odd_names_of_a_store_are_read(tmp_path, name):
    (tmp_path / name).write_bytes(b'this one')
    (path,) = list_photos([f'file://{tmp_path}'])['path'].to_pylist()
    assert read_file(path) == b'this one'


def test_names_that_are_not_utf8_are_refused(tmp_path):
    (tmp_path / os.fsdecode(b'\xff.jpg')).touch()
    with pytest.raises(UserError, match='not UTF-8'):
        list_photos([str(tmp_path)])


def test_what_is_not_there_is_named(folder):
    for source in ('nowhere', f'file://{folder}/nowhere'):
        with pytest.raises(UserError, match='nowhere'):
            list_photos([source])
    (folder / 'empty').mkdir()
    with pytest.raises(UserError, match='no photo'):
        list_photos([str(folder), str(folder / 'empty')])
    with pytest.raises(UserError, match='No such file'):
        read_file(str(folder / 'nowhere.jpg'))
    with pytest.raises(UserError, match='nowhere'):
        read_file(f'file://{folder}/nowhere.jpg')


def test_faulty_lists_are_named(folder):
    pq.write_table(pa.table({'file': ['b.jpg']}), folder / 'names.parquet')
    with pytest.raises(UserError, match='no column "path", but file'):
        list_photos([str(folder / 'names.parquet')])
    pq.write_table(pa.table({'path': [1]}), folder / 'numbers.parquet')
    with pytest.raises(UserError, match='else than text'):
        list_photos([str(folder / 'numbers.parquet')])
    (folder / 'text.parquet').write_text('no parquet')
    with pytest.raises(UserError, match='text'):
        list_photos([str(folder / 'text.parquet')])
