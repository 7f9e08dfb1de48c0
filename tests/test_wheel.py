"""The wheel holds what the package needs: configs and trained models too."""

import configparser
import json
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'
    for name in ('phr_mmpose', 'configs'):
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns('__pycache__')
        )
    for name in ('setup.py', 'setup.cfg', 'pyproject.toml', 'README.md', 'LICENSE'):
        shutil.copy(ROOT / name, source)
    pip = ['-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation', '--quiet']
    subprocess.run([sys.executable, *pip, str(source), '-w', folder], check=True)
    (wheel,) = folder.glob('*.whl')
    return wheel


@pytest.fixture(scope='module')
def environment(wheel, tmp_path_factory):
    """A new environment with the wheel; all else it takes from that of the tests."""
    folder = tmp_path_factory.mktemp('environment')
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob('lib/python*/site-packages')
    pip = ['-m', 'pip', 'install', '--no-deps', '--quiet', '--target', str(packages)]
    subprocess.run([sys.executable, *pip, str(wheel)], check=True)
    # Links in a folder that is only named here are not followed: the clone, which the
    # tests' environment links to, is not found.
    names = '\n'.join(site.getsitepackages())
    (packages / 'others.pth').write_text(f'{names}\n')
    return folder, packages


def run(environment, folder, *command):
    done = subprocess.run(
        [environment[0] / 'bin' / 'python', *command],
        cwd=folder,
        env={'HOME': str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_holds_every_config(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {
            name.removeprefix('phr_mmpose/configs/')
            for name in archive.namelist()
            if name.startswith('phr_mmpose/configs/') and name.endswith('.py')
        }
    configs = ROOT / 'configs'
    assert held == {
        path.relative_to(configs).as_posix() for path in configs.glob('**/*.py')
    }


@pytest.mark.slow
def test_commands_work_in_an_empty_folder(environment, tmp_path):
    packages = environment[1]
    entries = next(packages.glob('phr_mmpose-*.dist-info/entry_points.txt'))
    parser = configparser.ConfigParser()
    parser.read(entries)
    commands = dict(parser['console_scripts'])
    assert sorted(commands) == ['phr-config', 'phr-pose', 'phr-ray', 'phr-web']
    cv2.imwrite(str(tmp_path / 'photo.jpg'), np.full((90, 60, 3), 128, np.uint8))

    def call(name, *arguments):
        module, _, function = commands[name].partition(':')
        code = f'from {module} import {function}; {function}()'
        return run(environment, tmp_path, '-c', code, *arguments)

    call('phr-pose', 'photo.jpg', '--out-dir', 'out')
    poses = json.loads((tmp_path / 'out' / 'poses.json').read_text())
    assert len(poses['images'][0]['persons'][0]['keypoints']) == 14
    call('phr-config', 'phr_lite_lsp')
    assert 'CascadePoseEstimator' in (tmp_path / 'phr_lite_lsp.py').read_text()
    for name in ('phr-web', 'phr-ray'):
        assert 'usage:' in call(name, '--help')


@pytest.mark.slow
def test_the_inferencer_takes_two_paths_of_the_package(environment, tmp_path):
    cv2.imwrite(str(tmp_path / 'photo.jpg'), np.full((90, 60, 3), 128, np.uint8))
    code = """
import phr_mmpose
from phr_mmpose.zoo import model_files
from mmpose.apis import MMPoseInferencer
config, weights = model_files('phr_lite_lsp')
inferencer = MMPoseInferencer(
    pose2d=config, pose2d_weights=weights, det_model='whole_image')
result = next(inferencer('photo.jpg'))
print(len(result['predictions'][0][0]['keypoints']), phr_mmpose.__file__)
"""
    *_, last = run(environment, tmp_path, '-c', code).splitlines()
    assert last == f'14 {environment[1] / "phr_mmpose" / "__init__.py"}'
