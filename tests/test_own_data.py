"""docs/own_data.md, run as it is written, on fewer figures."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmpose.apis import MMPoseInferencer

from phr_mmpose.utils.checkpoint import safe_load

REPO = Path(__file__).resolve().parent.parent
PAGE = (REPO / 'docs' / 'own_data.md').read_text()
pytestmark = pytest.mark.slow
# Of the page's thousand and two hundred.
FEWER = {'1000': '20', '200': '5'}


def blocks(kind: str) -> list[str]:
    """The page's code blocks of a language."""
    found = re.findall(r'^```(\w*)\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL)
    return [block for language, block in found if language == kind]


def command(words: str) -> str:
    """The page's one command that begins with these words."""
    lines = '\n'.join(blocks('bash')).splitlines()
    (found,) = (line for line in lines if line.startswith(words))
    return found


class Clone:
    """A folder with the repository's tools and configs, as a clone has them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / 'tools').symlink_to(REPO / 'tools')
        shutil.copytree(REPO / 'configs', folder / 'configs')

    def run(self, line: str) -> str:
        """Run a command of the page; return all that it prints."""
        words = shlex.split(line)
        assert words[0] == 'python'
        done = subprocess.run(
            [sys.executable, *words[1:]],
            cwd=self.folder,
            env=dict(os.environ, PYTHONPATH=str(REPO), OMP_NUM_THREADS='1'),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture(scope='module')
def clone(tmp_path_factory) -> Clone:
    place = Clone(tmp_path_factory.mktemp('own_data'))
    drawing = [
        line
        for block in blocks('bash')
        for line in block.splitlines()
        if 'draw_figures' in line
    ]
    assert len(drawing) == 2
    for line in drawing:
        number = re.search(r'--num (\d+)', line)[1]
        place.run(line.replace(f'--num {number}', f'--num {FEWER[number]}'))
    (config,) = blocks('python')
    assert '`configs/mine.py`' in PAGE
    (place.folder / 'configs' / 'mine.py').write_text(config)
    return place


@pytest.fixture(scope='module')
def trained(clone) -> str:
    return clone.run(command('python tools/train.py'))


def test_every_command_of_the_page_is_run_here():
    lines = [line for block in blocks('bash') for line in block.splitlines()]
    assert [line.split()[1] for line in lines] == [
        'tools/draw_figures.py',
        'tools/draw_figures.py',
        'tools/train.py',
        'tools/demo.py',
    ]


def test_from_a_coco_file_to_its_ap(clone, trained):
    scores = re.findall(r'coco/AP: (\S+)', trained)
    assert len(scores) == 1 and 0 <= float(scores[0]) <= 1
    work_dir = clone.folder / 'work_dirs' / 'mine'
    checkpoints = [f'stage_{name}.pth' for name in ('detector', 'refiner', 'joint')]
    assert all((work_dir / name).is_file() for name in checkpoints)
    # Figures know what is hidden: there is nothing to warn of.
    assert 'does not say which joints are hidden' not in trained


def test_the_demo(clone, trained):
    line = command('python tools/demo.py')
    clone.run(line)
    poses = json.loads((clone.folder / 'out' / 'poses.json').read_text())
    assert 'left_wrist' in json.dumps(poses)
    assert (clone.folder / 'out' / 'drawn' / 'figure_1_0.jpg').is_file()


def test_mmpose_s_inferencer_reads_the_config(clone, trained, tmp_path):
    weights = clone.folder / 'work_dirs' / 'mine' / 'stage_joint.pth'
    bare = tmp_path / 'bare.pth'
    torch.save(dict(state_dict=safe_load(weights)['state_dict']), bare)
    photo = clone.folder / 'data' / 'mine' / 'images' / 'figure_1_0.png'
    for checkpoint in (weights, bare):
        inferencer = MMPoseInferencer(
            pose2d=str(clone.folder / 'configs' / 'mine.py'),
            pose2d_weights=str(checkpoint),
            det_model='whole_image',
            device='cpu',
        )
        (person,) = next(inferencer(str(photo)))['predictions'][0]
        assert np.shape(person['keypoints']) == (17, 2)
        meta = inferencer.inferencer.model.dataset_meta
        assert meta['keypoint_id2name'][0] == 'nose'


def test_a_flag_that_is_always_the_same_is_warned_of_by_name(clone, tmp_path):
    path = clone.folder / 'data' / 'mine' / 'annotations' / 'train.json'
    content = json.loads(path.read_text())
    for person in content['annotations']:
        person['keypoints'] = [
            min(value, 1) if index % 3 == 2 else value
            for index, value in enumerate(person['keypoints'])
        ]
    (path.parent / 'merged.json').write_text(json.dumps(content))
    output = clone.run(
        'python tools/train.py configs/mine.py --no-validate --stages detector '
        '--work-dir work_dirs/merged --cfg-options '
        'default_hooks.param_scheduler.stages.0.epochs=2 '
        'train_dataloader.dataset.ann_file=annotations/merged.json'
    )
    assert output.count('does not say which joints are hidden') == 1
    assert "The data set 'coco' does not" in output


def test_it_starts_from_the_model_that_comes_with_the_package(trained):
    (said,) = blocks('')[1:]
    assert said in trained
