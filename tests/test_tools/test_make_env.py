"""The set-up leaves what is in order alone, and says clearly what is missing."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'make_env.py'
make_env = runpy.run_path(str(TOOL))


def run_tool(*arguments: str, extra_path: Path | str = ''):
    return subprocess.run(
        [sys.executable, str(TOOL), *arguments],
        env=dict(os.environ, PYTHONPATH=str(extra_path)),
        capture_output=True,
        text=True,
    )


def test_an_environment_set_up_before_is_not_touched(tmp_path):
    (tmp_path / '.phr_mmpose').write_text(make_env['fingerprint']('torch torchvision'))
    done = run_tool(str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')
    assert [path.name for path in tmp_path.iterdir()] == ['.phr_mmpose']


def test_another_torch_is_noticed():
    fingerprint = make_env['fingerprint']
    assert fingerprint('torch==2.13.0') != fingerprint('torch torchvision')
    assert fingerprint('torch') == fingerprint('torch')


def test_a_python_without_venv_is_told_the_package(tmp_path):
    (tmp_path / 'venv.py').write_text("raise ModuleNotFoundError('ensurepip')")
    done = run_tool(str(tmp_path / 'made'), extra_path=tmp_path)
    assert done.returncode == 2
    assert 'sudo apt install python3-venv' in done.stderr
    assert done.stderr.count('\n') == 1


@pytest.mark.parametrize(
    ('output', 'meaning'),
    [
        (["OSError: [Errno 28] No space left on device: '/x'"], 'the disk is full'),
        (
            ['WARNING: Retrying: Temporary failure in name resolution', 'ERROR: none'],
            'the package index cannot be reached',
        ),
        (
            ['ERROR: No matching distribution found for torch'],
            'the package index has no torch for this Python',
        ),
        (['one', 'ERROR: something new', 'three'], 'pip failed: ERROR: something new'),
        ([], 'pip failed: no message'),
    ],
)
def test_what_pip_says_is_put_in_one_line(output: list[str], meaning: str):
    assert make_env['explain'](output).startswith(meaning)


def test_the_index_being_away_is_the_cause_of_nothing_found():
    output = [
        'WARNING: Retrying after connection broken by NewConnectionError',
        'ERROR: No matching distribution found for addict >= 2.4',
    ]
    assert 'cannot be reached' in make_env['explain'](output)


def test_a_full_disk_is_told_before_anything_is_installed(tmp_path):
    check_disk = make_env['check_disk']
    check_disk.__globals__['GIGABYTES'] = {'torch': 10**9, '': 0}
    check_disk(tmp_path, '')
    with pytest.raises(make_env['SetupError'], match=r'GB free.*VENV=path'):
        check_disk(tmp_path, 'torch')


def test_requirements_are_the_packages_own_without_torch():
    lines = make_env['requirements']()
    assert 'numpy >= 1.23' in lines and any(line.startswith('pytest') for line in lines)
    assert not any(line.startswith(('torch', '#')) or not line for line in lines)


def test_a_module_is_found_without_importing_it():
    python = Path(sys.executable)
    assert make_env['has_module'](python, 'mmdet')
    assert not make_env['has_module'](python, 'no_such_module')
