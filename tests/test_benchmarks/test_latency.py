"""One person's milliseconds: every system is called as often, and laid out."""

import json

import pytest

from benchmarks import latency
from phr_mmpose.utils.errors import UserError


def test_all_systems_are_called_as_often(monkeypatch):
    monkeypatch.setattr(latency, '_PAUSE', 0)
    calls = []
    systems = {
        'ours': {
            'network': lambda: calls.append('a'),
            'person': lambda: calls.append('b'),
        },
        'theirs': {'network': lambda: calls.append('c')},
    }
    found = latency.take_turns(systems, 2)
    burst = 2 * latency._CALLS
    assert ''.join(calls) == 2 * ('a' * burst + 'b' * burst + 'c' * burst)
    times = found['ours']['person']
    # What warms up is not counted.
    assert len(times) == 2 * latency._CALLS and min(times) >= 0


def test_a_burst_of_slow_calls_ends_after_two(monkeypatch):
    monkeypatch.setattr(latency, '_LONG', 0)
    assert len(latency._burst(lambda: None)) == 2


def test_the_table_has_medians_with_quartiles_and_a_dash_for_what_is_not_timed():
    lines = latency.table({'ours': {'network': [1.0, 2.0, 3.0]}}).splitlines()
    assert lines[0] == '| ms | network | person | person, flip test |'
    assert lines[2] == '| ours | 2.0 (1.0 to 3.0) | - | - |'


def test_options_that_do_not_go_together_get_one_line(tmp_path):
    with pytest.raises(UserError, match='the one --config'):
        latency.parse_args(['--config', 'a.py', 'b.py', '--weights', 'a.pth'])
    with pytest.raises(UserError, match=r'--config: a\.py is there twice'):
        latency.parse_args(['--config', 'b.py', 'one/a.py', 'other/a.py'])
    with pytest.raises(UserError, match='at least 1'):
        latency.parse_args(['--threads', '0'])
    with pytest.raises(UserError, match=r'no such file|ai-edge-litert'):
        latency.landmarks(tmp_path / 'none.tflite', 1)


def test_what_another_machine_measured_is_not_mixed_in(tmp_path):
    report = dict(machine=dict(processor='a'), threads=2, ms={'ours': {}})
    file = tmp_path / 'ms.json'
    assert latency.measured_before(file, report) == {}
    file.write_text(json.dumps(report))
    assert latency.measured_before(file, report) == {'ours': {}}
    for key, value in dict(threads=1, machine=dict(processor='b')).items():
        with pytest.raises(UserError, match=rf'ms\.json.*other {key}'):
            latency.measured_before(file, report | {key: value})


@pytest.mark.parametrize('text', ['', '[]', '{"ms": {}}', '{"ms": 1, "threads": 2}'])
def test_another_file_is_not_written_over(text, tmp_path):
    file = tmp_path / 'ms.json'
    file.write_text(text)
    with pytest.raises(UserError, match=r'ms\.json: is not from this benchmark'):
        latency.measured_before(file, dict(machine={}, threads=2))
