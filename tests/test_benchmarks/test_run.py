import json

import pytest

from benchmarks import run as benchmark
from benchmarks.plan import Case
from phr_mmpose.utils.errors import UserError


def test_a_real_case_from_the_command_line_to_the_files(tmp_path, capsys):
    files = [str(tmp_path / name) for name in ('bench.json', 'bench.md')]
    name = 'loader/plain/synthetic'
    benchmark.main(
        ['--device', 'cpu', '--quick', '--threads', '1', '--cases', name]
        + ['--json', files[0], '--table', files[1]]
    )
    result = json.loads((tmp_path / 'bench.json').read_text())
    assert result['cases'][name]['images_per_s']['median'] > 0
    assert len(result['rounds'][name]) == result['repeats'] == 1
    assert result['machine']['threads'] == 1
    assert result['command'].startswith('python benchmarks/run.py --device cpu --quick')
    assert 'was not run' in result['ratios']['train_rate']['reason']
    assert f'| {name} | images/s ' in (tmp_path / 'bench.md').read_text()
    assert f'round 1/1 {name}' in capsys.readouterr().out


def test_a_failing_case_is_one_line_and_the_files_are_written(tmp_path, monkeypatch):
    options = dict(device='cpu', model='no.py', stage=None, precision='fp32')
    options |= dict(batch=1, calls=1, warmup=0)
    broken = Case('train/broken', 'train', options)
    monkeypatch.setattr(benchmark, 'all_cases', lambda *args: [broken])
    file = tmp_path / 'bench.json'
    with pytest.raises(UserError, match=r'1 case\(s\) failed: train/broken'):
        benchmark.main(['--device', 'cpu', '--repeats', '2', '--json', str(file)])
    case = json.loads(file.read_text())['cases']['train/broken']
    assert case == dict(reason='no.py: no such config')


def test_an_interruption_keeps_what_is_measured(tmp_path, monkeypatch, capsys):
    cases = [Case(name, 'train', {}) for name in ('train/a', 'train/b')]
    monkeypatch.setattr(benchmark, 'all_cases', lambda *args: cases)
    seconds = iter([1.0, 2.0, 3.0])

    def measure(case, threads):
        found = next(seconds, None)
        if found is None:
            raise KeyboardInterrupt
        return dict(seconds=found)

    monkeypatch.setattr(benchmark, 'measure_apart', measure)
    file, page = tmp_path / 'bench.json', tmp_path / 'bench.md'
    benchmark.main(
        ['--device', 'cpu', '--repeats', '5', '--json', str(file)]
        + ['--table', str(page)]
    )
    result = json.loads(file.read_text())
    assert [len(each) for each in result['rounds'].values()] == [2, 1]
    assert result['repeats'] == 2
    assert result['cases']['train/a']['seconds']['median'] == 2.0
    assert 'interrupted in round 2' in capsys.readouterr().err
    assert '| train/b | s 2 |' in page.read_text()


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['--repeats', '0'], '--repeats must be at least 1, got 0'),
        (['--cases', 'nothing'], '--cases nothing: fits none of'),
        (['--data', 'nowhere'], 'has no annotations/lsp_train.json'),
        (['--weights', 'nowhere.pth'], '--weights nowhere.pth: no such file'),
        (['--json', '.'], 'is a folder; name a file'),
    ],
)
def test_bad_arguments_get_one_line(arguments, message):
    with pytest.raises(UserError, match=message) as caught:
        benchmark.main(['--device', 'cpu', *arguments])
    assert '\n' not in str(caught.value)
