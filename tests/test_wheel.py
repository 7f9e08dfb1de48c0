"""The wheel holds what the package needs: configs and trained models too."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_wheel_works_without_the_repository(tmp_path):
    source = tmp_path / 'source'
    for name in ('phr_mmpose', 'configs'):
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns('__pycache__')
        )
    for name in ('setup.py', 'setup.cfg', 'pyproject.toml', 'README.md', 'LICENSE'):
        shutil.copy(ROOT / name, source)
    pip = ['-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation', '--quiet']
    subprocess.run([sys.executable, *pip, str(source), '-w', tmp_path], check=True)
    (wheel,) = tmp_path.glob('*.whl')
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / 'installed')
    held = {
        path.relative_to(tmp_path / 'installed' / 'phr_mmpose' / 'configs')
        for path in tmp_path.glob('installed/phr_mmpose/configs/**/*.py')
    }
    configs = ROOT / 'configs'
    assert held == {path.relative_to(configs) for path in configs.glob('**/*.py')}
    code = (
        'import phr_mmpose; from phr_mmpose.apis import load_pose_model; '
        "load_pose_model('phr_lite_lsp', device='cpu'); print(phr_mmpose.__file__)"
    )
    done = subprocess.run(
        [sys.executable, '-c', code],
        cwd=tmp_path / 'installed',
        env={'PYTHONPATH': str(tmp_path / 'installed')},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path / 'installed') in done.stdout
