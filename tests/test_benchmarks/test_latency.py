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
    with pytest.raises(UserError, match='at least 1'):
        latency.parse_args(['--threads', '0'])
    with pytest.raises(UserError, match=r'no such file|ai-edge-litert'):
        latency.landmarks(tmp_path / 'none.tflite', 1)


def test_what_another_machine_measured_is_not_mixed_in(tmp_path):
    report = dict(machine=dict(processor='a'), threads=2, ms={'ours': {}})
    file = tmp_path / 'ms.json'
    file.write_text(json.dumps(report))
    assert latency.other_systems(file, report) == {'ours': {}}
    for other in (dict(report, threads=1), dict(report, machine=dict(processor='b'))):
        with pytest.raises(UserError, match=r'ms\.json.*name another file'):
            latency.other_systems(file, other)
