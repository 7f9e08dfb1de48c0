"""MMPose's own scripts run on the shipped configs, each as a process of its own."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import mmpose
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpose.registry import DATASETS
from photo_samples import as_jpeg, smooth_photo

from phr_mmpose.datasets.body import FigureDataset

pytestmark = pytest.mark.slow

REPO = Path(__file__).resolve().parent.parent
CONFIGS = REPO / 'configs'
FIGURES = CONFIGS / 'phr_tiny_figures.py'
TOOLS = Path(mmpose.__file__).parent / '.mim' / 'tools'

FEW_FIGURES = {
    'train_dataloader.dataset.num': 32,
    'val_dataloader.dataset.num': 3,
    'test_dataloader.dataset.num': 3,
    # Joints of an almost untrained network are drawn as well.
    'default_hooks.visualization.kpt_thr': 0.0,
}


def start(folder: Path, script: str, *arguments, **options) -> subprocess.Popen:
    """Start one of MMPose's scripts in a folder.

    Args:
        folder: Where it runs, so that ``data/lsp`` lies there.
        script: Its path below MMPose's tools.
        *arguments: Its command line.
        **options: Values of the config by dotted key.
    """
    changes = [f'{key}={value}' for key, value in options.items()]
    return subprocess.Popen(
        [
            sys.executable,
            TOOLS / script,
            *map(str, arguments),
            *(['--cfg-options', *changes] if changes else []),
        ],
        cwd=folder,
        env=dict(os.environ, PYTHONPATH=str(REPO), OMP_NUM_THREADS='1'),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Killed together with the loaders' workers.
        start_new_session=True,
    )


def run(folder: Path, script: str, *arguments, **options) -> None:
    """Run one of MMPose's scripts to its end."""
    process = start(folder, script, *arguments, **options)
    try:
        output, _ = process.communicate(timeout=900)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == 0, output[-4000:]


def browse(
    folder: Path, config: Path, out: Path, number: int, mode: str, *options: str
) -> None:
    """Draw the first samples of a config's data."""
    run(
        folder,
        'misc/browse_dataset.py',
        config,
        f'--output-dir={out}',
        '--not-show',
        f'--max-item-per-dataset={number}',
        f'--mode={mode}',
        *options,
    )


def short_schedule(path: Path, first: int = 2) -> dict:
    """Shorten each stage to one epoch, the first to another number of them."""
    config = Config.fromfile(path)
    name = 'default_hooks.param_scheduler.stages'
    stages = config.default_hooks.param_scheduler.stages
    options = {'default_hooks.logger.interval': 1}
    for number, stage in enumerate(stages):
        options[f'{name}.{number}.epochs'] = 1 if number else first
        # Two iterations of warm-up.
        for place, scheduler in enumerate(stage.param_scheduler):
            bound = 'begin' if 'begin' in scheduler else 'end'
            options[f'{name}.{number}.param_scheduler.{place}.{bound}'] = 2
    epochs = len(stages) - 1 + first
    return options | {'train_cfg.max_epochs': epochs, 'train_cfg.val_interval': 1}


def scalars(work_dir: Path) -> list[dict]:
    """Read what a run logged, in order."""
    (path,) = work_dir.glob('*/vis_data/scalars.json')
    return [json.loads(line) for line in path.read_text().splitlines()]


def weights(path: Path) -> dict:
    return torch.load(path, weights_only=False)['state_dict']


def figure(number: int, seed: int = 1) -> dict:
    return FigureDataset(seed=seed, image_size=112, back_views=0.0)[number]


def check_drawn(path: Path, number: int, joints: np.ndarray, seed: int = 1) -> int:
    """Check that joints are drawn into a figure, and that it is else as it was.

    Args:
        path: The drawn picture.
        number: The figure's.
        joints: (K, 2), in pixels.
        seed: The data set's.

    Returns:
        int: How many joints lie in the picture.
    """
    drawn, plain = cv2.imread(str(path)), figure(number, seed)['img']
    changed = (drawn != plain).any(axis=-1)
    assert drawn.shape == plain.shape
    # Skeleton and box cover less than half, also where they lie in a heap.
    assert changed.mean() < 0.5
    x, y = joints.round().astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < 112) & (y < 112)
    assert changed[y[inside], x[inside]].all()
    return inside.sum()


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """The work directory of a run at half the batch that the rates are for."""
    folder = tmp_path_factory.mktemp('trained')
    run(
        folder,
        'train.py',
        FIGURES,
        '--work-dir=run',
        '--show-dir=shown',
        '--auto-scale-lr',
        **short_schedule(FIGURES),
        **FEW_FIGURES,
        **{'train_dataloader.batch_size': 8},
    )
    return folder / 'run'


def test_train_scales_the_rates(trained):
    rates = [record['lr'] for record in scalars(trained) if 'lr' in record]
    # Two epochs of four iterations, then stages of one.
    assert len(rates) == 16
    # Warm-up from a hundredth to half the config's 2e-3, 2e-3 and 1e-3.
    assert rates[:2] == pytest.approx([1e-5, 1e-3])
    assert rates[8:10] == pytest.approx([1e-5, 1e-3])
    assert rates[12:14] == pytest.approx([5e-6, 5e-4])


def test_train_draws_to_the_visualizer_s_backends(trained):
    shown = list(trained.glob('*/vis_data/vis_image/*.png'))
    # The first figure at each of four validations, after so many iterations.
    assert {path.name for path in shown} == {
        f'val_img_{iterations}.png' for iterations in (4, 8, 12, 16)
    }
    plain = figure(0)['img']
    for path in shown:
        drawn = cv2.imread(str(path))
        assert drawn.shape == plain.shape
        assert 0 < (drawn != plain).any(axis=-1).mean() < 0.5


def test_train_goes_on_after_a_kill(trained, tmp_path):
    arguments = ('train.py', FIGURES, '--work-dir=run', '--auto-scale-lr')
    options = short_schedule(FIGURES) | FEW_FIGURES | {'train_dataloader.batch_size': 8}
    process = start(tmp_path, *arguments, **options)
    note = tmp_path / 'run' / 'last_checkpoint'
    while not note.exists():
        assert process.poll() is None, process.communicate()[0][-4000:]
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert note.read_text() == str(tmp_path / 'run' / 'epoch_1.pth')
    run(tmp_path, *arguments, '--resume', **options)
    resumed, whole = (
        weights(tmp_path / 'run/epoch_4.pth'),
        weights(trained / 'epoch_4.pth'),
    )
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_test_draws_and_dumps(trained, tmp_path):
    run(
        tmp_path,
        'test.py',
        FIGURES,
        trained / 'stage_joint.pth',
        '--work-dir=run',
        '--show-dir=shown',
        '--dump=dump.pkl',
        '--out=metrics.json',
        **FEW_FIGURES,
    )
    samples = pickle.loads((tmp_path / 'dump.pkl').read_bytes())
    assert [sample['img_id'] for sample in samples] == [0, 1, 2]
    drawn = 0
    for number, sample in enumerate(samples):
        joints = sample['pred_instances']['keypoints']
        assert joints.shape == (1, 16, 2)
        (shown,) = tmp_path.glob(f'run/*/shown/figure_1_{number}_0.png')
        drawn += check_drawn(shown, number, joints[0])
    assert drawn > 0
    assert 'mpii/Total' in json.loads((tmp_path / 'metrics.json').read_text())


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_train_in_mixed_precision(tmp_path):
    run(
        tmp_path,
        'train.py',
        FIGURES,
        '--work-dir=run',
        '--amp',
        **short_schedule(FIGURES, first=1),
        **FEW_FIGURES,
        **{'train_dataloader.batch_size': 8},
    )
    checkpoint = torch.load(tmp_path / 'run' / 'stage_joint.pth', weights_only=False)
    assert checkpoint['optimizer']['loss_scaler']['scale'] > 0
    losses = [
        record['loss'] for record in scalars(tmp_path / 'run') if 'loss' in record
    ]
    assert len(losses) == 12 and np.isfinite(losses).all()


def test_tensorboard_shows_each_stage_s_rate_and_losses(tmp_path):
    events = pytest.importorskip(
        'tensorboard.backend.event_processing.event_accumulator'
    )
    config = tmp_path / 'config.py'
    config.write_text(
        f'_base_ = {str(FIGURES)!r}\n'
        "visualizer = dict(vis_backends=[dict(type='LocalVisBackend'), "
        "dict(type='TensorboardVisBackend')])\n"
    )
    options = short_schedule(FIGURES, first=1) | FEW_FIGURES
    options['train_dataloader.batch_size'] = 8
    run(tmp_path, 'train.py', config, '--work-dir=run', **options)
    (folder,) = tmp_path.glob('run/*/vis_data')
    board = events.EventAccumulator(str(folder)).Reload()

    def steps(tag):
        return [event.step for event in board.Scalars(tag)]

    detector, refiner, joint = range(1, 5), range(5, 9), range(9, 13)
    assert steps('lr') == steps('loss') == [*detector, *refiner, *joint]
    assert steps('loss_detector') == [*detector, *joint]
    assert steps('loss_refiner') == [*refiner, *joint]
    rates = [event.value for event in board.Scalars('lr')]
    assert rates[:2] == pytest.approx([2e-5, 2e-3])
    assert rates[4:6] == pytest.approx([2e-5, 2e-3])
    assert rates[8:10] == pytest.approx([1e-5, 1e-3])
    # Scores are shown by epoch.
    assert steps('mpii/Total') == [1, 2, 3]


def write_list(root: Path, name: str, folder: str, joints: int, persons: int) -> None:
    """Write photos with a person each, and the list of their joints."""
    generator = np.random.default_rng(len(name))
    photos = root / 'images' / folder
    photos.mkdir(parents=True, exist_ok=True)
    entries = []
    for number in range(persons):
        photo = f'{name}_{number}.jpg'
        (photos / photo).write_bytes(as_jpeg(smooth_photo(120, 100, grain=20 + number)))
        entries.append(
            {
                'image': f'{folder}/{photo}',
                'center': [60, 50],
                'scale': 0.4,
                'joints': generator.uniform(20, 90, (joints, 2)).round(1).tolist(),
                'joints_vis': [1] * joints,
                'joints_visible': [1] * (joints - 1) + [0],
                'head_box': [30, 30, 45, 50],
            }
        )
    path = root / 'annotations' / f'{name}.json'
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(entries))


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """A folder with ``data/lsp`` and ``data/mpii``, made up."""
    folder = tmp_path_factory.mktemp('data')
    lsp, mpii = folder / 'data' / 'lsp', folder / 'data' / 'mpii'
    write_list(lsp, 'lsp_train', 'lsp', 14, persons=20)
    write_list(lsp, 'lspet_train', 'lspet', 14, persons=12)
    write_list(lsp, 'lsp_test', 'lsp', 14, persons=3)
    write_list(mpii, 'mpii_train', '.', 16, persons=3)
    write_list(mpii, 'mpii_val', '.', 16, persons=3)
    return folder


def test_train_and_test_on_lsp(data, tmp_path):
    config = CONFIGS / 'phr_tiny_lsp.py'
    options = short_schedule(config, first=1) | {'train_dataloader.batch_size': 8}
    work_dir = f'--work-dir={tmp_path / "run"}'
    run(data, 'train.py', config, work_dir, **options)
    run(
        data,
        'test.py',
        config,
        tmp_path / 'run' / 'stage_joint.pth',
        f'--work-dir={tmp_path / "test"}',
        '--show-dir=shown',
        f'--dump={tmp_path / "dump.pkl"}',
    )
    samples = pickle.loads((tmp_path / 'dump.pkl').read_bytes())
    assert [s['pred_instances']['keypoints'].shape for s in samples] == [(1, 14, 2)] * 3
    shown = sorted(path.name for path in tmp_path.glob('test/*/shown/*'))
    assert shown == [f'lsp_test_{number}_0.jpg' for number in range(3)]


@pytest.mark.parametrize('phase, seed', [('train', 0), ('val', 1)])
def test_browse_shows_figures_as_they_are(tmp_path, phase, seed):
    browse(tmp_path, FIGURES, tmp_path / 'out', 3, 'original', f'--phase={phase}')
    for number in range(3):
        item = figure(number, seed)
        annotated = item['keypoints_visible'][0, :, 0] > 0
        path = tmp_path / 'out' / f'figure_{seed}_{number}.png'
        joints = item['keypoints'][0, annotated]
        assert check_drawn(path, number, joints, seed) == len(joints)


def test_browse_shows_joints_in_the_input(tmp_path):
    browse(tmp_path, FIGURES, tmp_path / 'out', 3, 'transformed', '--phase=val')
    config = Config.fromfile(FIGURES).val_dataloader.dataset
    config.pipeline[-1].pack_transformed = True
    with DefaultScope.overwrite_default_scope('mmpose'):
        dataset = DATASETS.build(config)
    for number in range(3):
        sample = dataset[number]
        truth = sample['data_samples'].gt_instances
        joints = truth.transformed_keypoints[truth.keypoints_visible > 0]
        plain = sample['inputs'].numpy().transpose(1, 2, 0)
        shown = cv2.imread(str(tmp_path / 'out' / f'figure_1_{number}.png'))
        x, y = joints.round().astype(int).T
        inside = (x >= 0) & (y >= 0) & (x < plain.shape[1]) & (y < plain.shape[0])
        assert inside.sum() > 8
        changed = (shown != plain).any(axis=-1)
        assert changed[y[inside], x[inside]].all() and changed.mean() < 0.5


@pytest.mark.parametrize(
    'mode, name, size',
    [
        ('original', 'phr_res152_mpii', (100, 120)),
        ('original', 'phr_tiny_lsp', (100, 120)),
        ('transformed', 'phr_tiny_figures', (64, 64)),
        ('transformed', 'phr_tiny_lsp', (96, 96)),
        ('transformed', 'phr_res50_lsp', (256, 256)),
        ('transformed', 'phr_res152_mpii', (256, 256)),
        ('transformed', 'phr_vgg16_mpii', (380, 380)),
    ],
)
def test_browse_shows_every_kind_of_data(data, tmp_path, mode, name, size):
    browse(data, CONFIGS / f'{name}.py', tmp_path, 2, mode)
    shown = [path for path in tmp_path.rglob('*') if path.is_file()]
    several = name in ('phr_tiny_lsp', 'phr_res50_lsp')
    assert len(shown) == (4 if several else 2)
    for path in shown:
        picture = cv2.imread(str(path))
        assert picture.shape[:2] == size
