"""The picture of accuracy against time: from measured times, or one line."""

import json

import pytest
from PIL import Image

from benchmarks import accuracy_time
from phr_mmpose.utils.errors import UserError


def test_the_measured_times_are_drawn(tmp_path):
    accuracy_time.main(['--out', str(tmp_path / 'out.png')])
    with Image.open(tmp_path / 'out.png') as picture:
        assert picture.size == (960, 540)


def test_a_system_without_a_time_is_named(tmp_path):
    file = tmp_path / 'latency.json'
    file.write_text(json.dumps(dict(threads=2, ms={})))
    with pytest.raises(UserError, match='phr_lite_lsp, int8'):
        accuracy_time.main(['--latency', str(file), '--out', str(tmp_path / 'o.png')])
    assert not (tmp_path / 'o.png').exists()
