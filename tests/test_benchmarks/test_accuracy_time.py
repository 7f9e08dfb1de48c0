"""The picture of accuracy against time: from measured times, or one line."""

import json

import pytest
from PIL import Image

from benchmarks import accuracy_time
from phr_mmpose.utils.errors import UserError


def test_the_measured_times_are_drawn(tmp_path):
    out, file = tmp_path / 'out.png', tmp_path / 'latency.json'

    def draw(*options):
        accuracy_time.main(['--out', str(out), *options])
        with Image.open(out) as picture:
            assert picture.size == (960, 540)
            return picture.tobytes()

    drawn = draw()
    # Of a person from a crop to joints, not of the network alone.
    for what, same in (('network', True), ('person', False)):
        report = json.loads((accuracy_time.REPO / 'docs' / 'latency.json').read_text())
        report['ms']['phr_lite_lsp, int8'][what]['median'] = 20.0
        file.write_text(json.dumps(report))
        assert (draw('--latency', str(file)) == drawn) == same


def test_a_system_without_a_time_is_named(tmp_path):
    file = tmp_path / 'latency.json'
    file.write_text(json.dumps(dict(threads=2, ms={})))
    with pytest.raises(UserError, match='phr_lite_lsp, int8'):
        accuracy_time.main(['--latency', str(file), '--out', str(tmp_path / 'o.png')])
    assert not (tmp_path / 'o.png').exists()
