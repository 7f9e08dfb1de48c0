"""Result files are whole, their photos are known, and settings do not mix."""

import json

import pytest

pytest.importorskip('pyarrow', reason='no pyarrow: pip install -e ".[ray]"')
import pyarrow as pa
import pyarrow.parquet as pq

from phr_mmpose.cluster.results import RESULTS, ResultWriter, open_results
from phr_mmpose.utils.errors import UserError

PERSON = dict(
    box=[0, 0, 4, 5],
    box_score=0.5,
    keypoints=[[1, 2], [3, 4]],
    scores=[0.25, 0.75],
    visible=[1, 0],
)
PHOTOS = pa.table(
    {
        'path': ['two.jpg', 'none.jpg', 'bad.jpg'],
        'persons': [json.dumps([PERSON, PERSON]), '[]', None],
        'error': [None, None, 'bad.jpg: empty file'],
    }
)


def test_a_photo_has_a_row_for_each_person_or_one(tmp_path):
    counts = ResultWriter(tmp_path, ['head', 'foot']).write(PHOTOS)
    assert counts == dict(photos=3, persons=2, errors=1)
    (file,) = tmp_path.glob('*.parquet')
    table = pq.read_table(file)
    assert table.schema.names == RESULTS.names
    assert json.loads(table.schema.metadata[b'joints']) == ['head', 'foot']
    rows = table.to_pylist()
    assert [row['image'] for row in rows] == ['two.jpg'] * 2 + ['none.jpg', 'bad.jpg']
    assert rows[0] == rows[1] == dict(PERSON, image='two.jpg', error=None)
    assert rows[2]['keypoints'] is None
    assert rows[2]['error'] is None
    assert rows[3]['error'] == 'bad.jpg: empty file'


def test_a_photo_with_a_faulty_box_keeps_its_other_persons(tmp_path):
    fault = PHOTOS.slice(0, 1).set_column(2, 'error', [['two.jpg: box 2 is empty']])
    counts = ResultWriter(tmp_path, ['head', 'foot']).write(fault)
    assert counts == dict(photos=1, persons=2, errors=1)
    (file,) = tmp_path.glob('*.parquet')
    assert pq.read_table(file)['error'].to_pylist() == ['two.jpg: box 2 is empty'] * 2


def test_the_same_photos_are_written_once(tmp_path):
    writer = ResultWriter(tmp_path, [])
    writer.write(PHOTOS)
    writer.write(PHOTOS)
    writer.write(PHOTOS.slice(1))
    assert len(list(tmp_path.glob('*.parquet'))) == 2


def test_done_photos_are_known(tmp_path):
    settings = dict(weights='a', boxes=None)
    assert open_results(tmp_path, settings) == (set(), set())
    ResultWriter(tmp_path, ['head']).write(PHOTOS)
    done = {'two.jpg', 'none.jpg', 'bad.jpg'}
    assert open_results(tmp_path, settings) == (done, {'bad.jpg'})


def test_errors_are_taken_out_to_be_done_again(tmp_path):
    open_results(tmp_path, {})
    writer = ResultWriter(tmp_path, ['head'])
    writer.write(PHOTOS)
    writer.write(PHOTOS.slice(2))
    done, failed = open_results(tmp_path, {}, PHOTOS['path'].to_pylist())
    assert (done, failed) == ({'two.jpg', 'none.jpg'}, set())
    (file,) = tmp_path.glob('*.parquet')
    table = pq.read_table(file)
    assert table['image'].to_pylist() == ['two.jpg', 'two.jpg', 'none.jpg']
    assert json.loads(table.schema.metadata[b'joints']) == ['head']


def test_errors_of_other_photos_stay(tmp_path):
    open_results(tmp_path, {})
    paths = ['mine.jpg', 'good.jpg', 'other.jpg']
    # All three have persons; a box of the first and one of the last is faulty.
    errors = ['mine.jpg: box 2 is empty', None, 'other.jpg: box 1 is empty']
    found = pa.table(
        {'path': paths, 'persons': [json.dumps([PERSON])] * 3, 'error': errors}
    )
    ResultWriter(tmp_path, ['head']).write(found)
    done, failed = open_results(tmp_path, {}, ['mine.jpg', 'good.jpg'])
    assert (done, failed) == ({'good.jpg', 'other.jpg'}, {'other.jpg'})
    (file,) = tmp_path.glob('*.parquet')
    rows = pq.read_table(file).to_pylist()
    assert rows == [
        dict(PERSON, image='good.jpg', error=None),
        dict(PERSON, image='other.jpg', error='other.jpg: box 1 is empty'),
    ]


def test_results_of_other_settings_are_not_mixed(tmp_path):
    open_results(tmp_path, dict(weights='a', boxes=None))
    with pytest.raises(UserError, match='differ in weights'):
        open_results(tmp_path, dict(weights='b', boxes=None))


def test_half_written_files_are_deleted(tmp_path):
    open_results(tmp_path, {})
    (tmp_path / '.abc.xyz.parquet').write_bytes(b'PAR1 half')
    assert open_results(tmp_path, {}) == (set(), set())
    assert [path.name for path in tmp_path.iterdir()] == ['settings.json']


def test_files_of_others_are_left_alone(tmp_path):
    (tmp_path / 'mine.parquet').write_text('no parquet')
    with pytest.raises(UserError, match='other Parquet files'):
        open_results(tmp_path, {})
    (tmp_path / 'settings.json').write_text('{}')
    with pytest.raises(UserError, match='mine'):
        open_results(tmp_path, {})
