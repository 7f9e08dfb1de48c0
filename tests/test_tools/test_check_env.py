"""The check says what is wrong and how to mend it."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
TOOL = REPO / 'tools' / 'check_env.py'
check_env = runpy.run_path(str(TOOL))

GOOD = {
    'torch': '2.15.0',
    'numpy': '2.4.6',
    'onedl-mmengine': '0.10.12',
    'mmcv-lite': '2.1.0',
    'mmdet': '3.3.0',
    'mmpose': '1.3.2',
    'opencv-python-headless': '5.0.0.93',
}


def run_check(extra_path: Path | str = '') -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(TOOL)],
        env=dict(os.environ, PYTHONPATH=str(extra_path), OMP_NUM_THREADS='1'),
        capture_output=True,
        text=True,
    )


def test_an_environment_in_order_passes():
    done = run_check()
    assert done.returncode == 0, done.stdout
    for part in (
        'python',
        'torch',
        'torchvision.ops',
        'xtcocotools.mask',
        'mmpose.apis',
    ):
        assert f'\n{part} ' in f'\n{done.stdout}'
    assert done.stdout.endswith('all in order\n')


def test_missing_and_broken_modules_are_named_with_the_command_that_mends_them(
    tmp_path,
):
    (tmp_path / 'cv2.py').write_text(
        "raise ModuleNotFoundError(\"No module named 'cv2'\", name='cv2')"
    )
    package = tmp_path / 'xtcocotools'
    package.mkdir()
    (package / '__init__.py').touch()
    (package / 'mask.py').write_text(
        "raise ValueError('numpy.dtype size changed, may indicate incompatibility')"
    )
    done = run_check(tmp_path)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith('cv2 '))
    assert 'FAIL' in lines[at] and "No module named 'cv2'" in lines[at]
    assert lines[at + 1].strip() == '-> pip install opencv-python-headless'
    assert lines[-1].startswith('not in order')
    assert 'numpy.dtype size changed' in done.stdout
    assert '--no-build-isolation -r requirements/xtcocotools.txt' in done.stdout


def conflicts(installed):
    """What is found of distributions, apart from those that a test leaves out."""
    found = check_env['check_distributions'](installed)
    return [finding for finding in found if finding.text != 'missing']


def test_distributions_that_go_together_give_no_finding():
    assert conflicts(GOOD) == []


@pytest.mark.parametrize(
    ('added', 'part', 'mend'),
    [
        (
            {'mmengine': '0.10.7'},
            'mmengine',
            'pip uninstall -y mmengine onedl-mmengine && pip install --no-deps',
        ),
        (
            {'opencv-python': '5.0.0.93'},
            'cv2',
            'pip uninstall -y opencv-python opencv-python-headless',
        ),
        # It turns phones' videos upside down.
        (
            {'opencv-python-headless': '4.6.0.66'},
            'opencv-python-headless',
            "pip install 'opencv-python-headless >= 4.7'",
        ),
        ({'mmcv': '2.1.0'}, 'mmcv', 'pip uninstall -y mmcv mmcv-lite'),
        ({'mmcv-lite': '2.2.0'}, 'mmcv', 'pip install --no-deps'),
        ({'torch': '2.1.2+cu121'}, 'numpy', "pip install 'numpy < 2'"),
    ],
)
def test_distributions_that_fight_are_named(added, part: str, mend: str):
    (finding,) = conflicts({**GOOD, **added})
    assert finding.part == part
    assert finding.level == 'FAIL'
    assert finding.mend.startswith(mend)


def test_bounds_come_from_the_package_itself():
    findings = check_env['check_distributions']({'torch': '2.0.1', 'numpy': '1.26.4'})
    by_part = {finding.part: finding for finding in findings}
    assert 'numpy' not in by_part
    assert by_part['torch'].text == 'version 2.0.1 is too old'
    assert by_part['torch'].mend == "pip install 'torch >= 2.1'"
    assert by_part['json_tricks'].text == 'missing'


def test_versions_are_compared_as_numbers():
    assert check_env['_numbers']('2.10.0+cu121') == (2, 10, 0)
    assert check_env['_numbers']('2.10.0') > check_env['_numbers']('2.9.1')


def dry_run(folder: Path) -> str:
    """What ``make test`` would do with an environment, without doing it."""
    command = ['make', '-n', 'test', f'VENV={folder}', f'PYTHON={sys.executable}']
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_make_sets_up_in_an_order_that_works(tmp_path):
    lines = dry_run(tmp_path / 'new').splitlines()
    steps = [' -m venv ', ' numpy ', "'.[dev]'", 'mm.txt', 'xtcocotools.txt']
    places = [next(i for i, line in enumerate(lines) if step in line) for step in steps]
    assert places == sorted(places)
    for place in places[3:5]:
        assert '--no-deps' in lines[place]


def test_make_leaves_an_environment_in_order_alone(tmp_path):
    (tmp_path / '.phr_mmpose').touch()
    assert ' pip ' not in dry_run(tmp_path)
