"""A job of many photos by a real Ray on this machine."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('ray', reason='no ray: pip install -e ".[ray]"')
import pyarrow.dataset as pds

from phr_mmpose.apis import estimate_poses, load_pose_model
from phr_mmpose.cluster.results import result_files
from phr_mmpose.commands import infer_ray
from phr_mmpose.commands.web import draw_figures
from phr_mmpose.utils.errors import UserError

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    """120 photos, one of which is none."""
    folder = tmp_path_factory.mktemp('photos')
    write_photos(folder, 119)
    (folder / 'text.png').write_text('no photo')
    return folder


def write_photos(folder, count):
    figures = [figure.image for figure in draw_figures()]
    for number in range(count):
        # No two are the same.
        image = np.roll(figures[number % 4], number, axis=1)
        cv2.imwrite(str(folder / f'{number:03}.png'), image)


def command(photos, out, *options):
    # Of its own Ray, with a core for the model and one for all else.
    argv = [sys.executable, 'tools/infer_ray.py', str(photos), '--out', str(out)]
    if '--address' not in options:
        options = ('--num-cpus', '2', *options)
    return [*argv, '--device', 'cpu', *options]


def run(*args):
    return subprocess.run(command(*args), cwd=ROOT, capture_output=True, text=True)


def rows(out):
    files = [str(path) for path in result_files(out)]
    return pds.dataset(files).to_table().to_pylist()


@pytest.fixture(scope='module')
def finished(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp('out')
    return run(photos, out), out


def test_every_photo_has_its_row(finished, photos):
    done, out = finished
    assert done.returncode == 2, done.stderr
    assert '120 photos, 119 persons, 1 errors' in done.stdout
    images = [row['image'] for row in rows(out)]
    assert sorted(images) == sorted(str(path) for path in photos.iterdir())
    (fault,) = [row for row in rows(out) if row['error']]
    assert 'text.png: not a readable photo' in fault['error']


def test_the_numbers_are_those_of_phr_pose(finished):
    _, out = finished
    model = load_pose_model('phr_lite_lsp', device='cpu')
    for row in rows(out)[:5]:
        if row['error']:
            continue
        image = cv2.imread(row['image'])
        box = np.array([[0, 0, 480, 480]], np.float32)
        poses = estimate_poses(model, image, box)
        np.testing.assert_allclose(row['keypoints'], poses.keypoints[0], atol=0.01)
        np.testing.assert_allclose(row['scores'], poses.scores[0], atol=1e-4)
        np.testing.assert_allclose(row['visible'], poses.visible[0], atol=1e-3)


def test_started_again_it_has_nothing_to_do(finished, photos):
    _, out = finished
    before = {path: path.stat().st_mtime_ns for path in out.glob('*.parquet')}
    done = run(photos, out)
    # Of its error it tells again.
    assert done.returncode == 2
    assert '0 of 120 photos to do' in done.stdout
    assert '1 errors of earlier runs' in done.stdout
    assert before == {path: path.stat().st_mtime_ns for path in out.glob('*.parquet')}


def test_a_killed_worker_and_a_killed_job_lose_and_double_nothing(tmp_path):
    photos = tmp_path / 'photos'
    photos.mkdir()
    write_photos(photos, 400)
    out = tmp_path / 'out'
    process = subprocess.Popen(
        command(photos, out, '--photos-per-file', '16'),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    # While it is at work, its models are killed, which are replaced.
    wait(lambda: result_files(out))
    models = [pid for pid in descendants(process.pid) if 'Predict' in title(pid)]
    assert models
    for pid in models:
        os.kill(pid, signal.SIGKILL)
    count = len(result_files(out))
    wait(lambda: len(result_files(out)) > count)
    # Then all of it; Ray's processes end soon after.
    others = descendants(process.pid)
    process.kill()
    process.wait()
    wait(lambda: not any(is_alive(pid) for pid in others))
    before = {path: path.stat().st_mtime_ns for path in result_files(out)}
    images = [row['image'] for row in rows(out)]
    assert len(set(images)) == len(images)
    done = run(photos, out)
    assert done.returncode == 0
    assert f'{400 - len(images)} of 400 photos to do' in done.stdout
    assert len(images) < 400
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())
    images = [row['image'] for row in rows(out)]
    assert sorted(images) == sorted(str(path) for path in photos.iterdir())


def wait(condition):
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def descendants(pid):
    found = []
    for path in Path('/proc').glob('[0-9]*/stat'):
        try:
            parent = int(path.read_text().rpartition(')')[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            child = int(path.parent.name)
            found += [child, *descendants(child)]
    return found


def is_alive(pid):
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except OSError:
        return False
    return state != 'Z'


def title(pid):
    try:
        return Path(f'/proc/{pid}/cmdline').read_text()
    except OSError:
        return ''


@pytest.mark.parametrize(
    ('options', 'fact'),
    [
        (['--batch-size', '0'], '--batch-size'),
        (['--address', 'ray://head:10001'], 'ray job submit'),
        (['--address', '127.0.0.1:1'], 'no Ray there'),
        (['--address', 'head:port'], '--address head:port'),
        (['--boxes', 'nowhere.json'], 'nowhere.json'),
        (['--weights', 'nowhere.pth'], '--config'),
        # The last one counts.
        (['--device', 'cdua:0'], "device 'cdua:0' is not there"),
        (['--device', 'cuda:1'], 'Ray gives each process a GPU of its own'),
    ],
)
def test_faults_end_in_one_line(photos, tmp_path, options, fact):
    done = run(photos, tmp_path, *options)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith('error: ')
    assert fact in line


@pytest.fixture
def jobs(monkeypatch):
    """The jobs that would be run, by no Ray."""
    jobs = []

    def note(job, photos):
        jobs.append(job)
        return dict(photos=0, persons=0, errors=0)

    monkeypatch.setattr('phr_mmpose.cluster.job.Job.run', note)
    monkeypatch.setattr('phr_mmpose.cluster.job.connect', lambda *_: None)
    return jobs


def test_other_weights_in_the_home_folder_are_not_mixed(
    jobs, config, checkpoints, photos, tmp_path, monkeypatch
):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'c.py').write_text(f'_base_ = [{config!r}]')
    shutil.copy(checkpoints['with_meta'], tmp_path / 'm.pth')
    model = ['--config', '~/c.py', '--weights', '~/m.pth', '--device', 'cpu']
    argv = [str(photos), '--out', str(tmp_path / 'out'), *model]
    infer_ray.main(argv)
    infer_ray.main(argv)
    # Other processes may have another home.
    assert jobs[0].model['config'] == str(tmp_path / 'c.py')
    assert jobs[0].model['weights'] == str(tmp_path / 'm.pth')
    shutil.copy(checkpoints['without_meta'], tmp_path / 'm.pth')
    with pytest.raises(UserError, match='differ in weights'):
        infer_ray.main(argv)


def test_an_onnx_file_is_the_same_by_any_path(
    jobs, config, exported, photos, tmp_path, monkeypatch
):
    monkeypatch.chdir(Path(exported).parent)
    argv = [str(photos), '--out', str(tmp_path), '--config', config, '--weights']
    infer_ray.main([*argv, Path(exported).name])
    infer_ray.main([*argv, exported])
    assert len(jobs) == 2


def test_an_onnx_file_runs_on_no_gpu(jobs, config, exported, photos, tmp_path):
    argv = [str(photos), '--out', str(tmp_path), '--config', config]
    argv += ['--weights', exported, '--address', 'auto', '--device', 'cuda:0']
    with pytest.raises(UserError, match=r'cuda:0|on the CPU'):
        infer_ray.main(argv)
    assert not jobs
