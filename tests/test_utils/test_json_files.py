"""JSON that unfolds, nests or counts without end is one line, for every reader."""

import gzip
import tracemalloc

import numpy as np
import pytest
import torch

from phr_mmpose.apis.person_boxes import BoxFile
from phr_mmpose.datasets.annotation_list import load_annotation_list
from phr_mmpose.datasets.readers.lsp import read_lsp_folder
from phr_mmpose.utils.array_files import read_arrays
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.json_files import parse_json, read_json, write_json

READERS = [
    lambda path: load_annotation_list(path, 14),
    lambda path: read_lsp_folder(path.parent),
    BoxFile,
    read_arrays,
]
BAD = {
    'deep lists': '[' * 100_000 + ']' * 100_000,
    'deep objects': '{"a":' * 100_000 + '1' + '}' * 100_000,
}


@pytest.mark.parametrize('content', BAD.values(), ids=BAD)
@pytest.mark.parametrize('read', READERS, ids=['list', 'lspet', 'boxes', 'arrays'])
def test_every_reader_refuses(tmp_path, read, content):
    path = tmp_path / 'annotations.json'
    path.write_text(content)
    with pytest.raises(UserError, match=r'annotations\.json.*: not readable JSON'):
        read(path)


def test_a_file_that_unfolds_to_gigabytes_is_not_unfolded(tmp_path):
    path = tmp_path / 'list.json.gz'
    path.write_bytes(gzip.compress(b'[' + b'[],' * 2**20, 1) * 200)
    tracemalloc.start()
    with pytest.raises(UserError, match=r'list\.json\.gz.*256 MB'):
        read_json(path, 'fetch it again')
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**30


def test_numbers_stay_what_they_are():
    assert parse_json('[-12, 1.5, 1e999, null]') == [-12, 1.5, float('inf'), None]
    whole = '9' * 308
    assert parse_json(whole) == int(whole) and float(parse_json(whole)) < float('inf')


@pytest.mark.parametrize('digits', [400, 5000])
def test_a_number_beyond_any_float_is_infinite(tmp_path, digits):
    huge = '1' + '0' * digits
    assert parse_json(f'[{huge}, -{huge}]') == [float('inf'), float('-inf')]
    path = tmp_path / 'annotations.json'
    joints = ', '.join([f'[0, {huge}, 1]'] * 14)
    path.write_text(
        f'[{{"image": "a.jpg", "center": [1, {huge}], "scale": 1, '
        f'"joints": [{joints}]}}]'
    )
    with pytest.raises(UserError, match='"center" holds inf at 1'):
        load_annotation_list(path, 14)
    with pytest.raises(UserError, match='NaN'):
        read_lsp_folder(tmp_path)
    path.write_text(f'{{"a.jpg": [[0, {huge}, 5, 5]]}}')
    with pytest.raises(UserError, match=r'a\.jpg'):
        BoxFile(path)('a.jpg', np.zeros((50, 50, 3), np.uint8))


def test_what_is_written_is_json_and_whole(tmp_path):
    path = tmp_path / 'new' / 'scores.json'
    nothing, numbers = float('nan'), np.float32([0.5, np.inf])
    write_json(path, {'a': nothing, 'b': [numbers, (np.int64(3), torch.tensor(2))]})
    before = path.read_text()
    assert before.endswith('}\n')
    assert parse_json(before) == {'a': None, 'b': [[0.5, None], [3, 2]]}
    with pytest.raises(TypeError):
        write_json(path, {'a': object()})
    assert path.read_text() == before and list(path.parent.iterdir()) == [path]


def test_json_on_one_line(tmp_path):
    write_json(tmp_path / 'boxes.json', {'a.jpg': [[0, 1, 2, 3]]}, indent=None)
    assert (tmp_path / 'boxes.json').read_text() == '{"a.jpg": [[0, 1, 2, 3]]}\n'
