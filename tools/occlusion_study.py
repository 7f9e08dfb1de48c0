"""Test a cascade on figures of which more and more is hidden.

Does the regressor find what the detector cannot see? At each level objects hide that
share of the joints; people and scenes stay the same. Writes a table, the numbers and a
plot: PCKh of visible and of occluded joints, of the detector's maps and of the
regressor's. Several checkpoints of one config (its seeds) give mean and deviation.

The table's column "hidden" is the share of the joints that are truly hidden, by
objects and by the own body, counted in the drawn figures.

Example:
    python tools/occlusion_study.py --config W/detection_regression/config.py \
        --checkpoint W/detection_regression/seed_*/stage_joint.pth --out occlusion
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmpose.registry import DATASETS

from phr_mmpose.evaluation.occlusion import OcclusionStudy
from phr_mmpose.utils.cli import run
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path

TOOLS = Path(__file__).resolve().parent


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', required=True, metavar='PY')
    parser.add_argument('--checkpoint', required=True, nargs='+', metavar='PTH')
    parser.add_argument(
        '--levels',
        nargs='+',
        type=float,
        default=[0, 0.1, 0.2, 0.3],
        metavar='SHARE',
        help='shares of the joints that objects hide (0 0.1 0.2 0.3)',
    )
    parser.add_argument(
        '--num', type=int, metavar='N', help="figures (default: the config's)"
    )
    parser.add_argument(
        '--out', required=True, metavar='DIR', help='for occlusion.md, .json and .png'
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Test at each level and write the results.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If the config has no figures, a level is no share, or a test
            fails.
    """
    args = parse_args(argv)
    for level in args.levels:
        if not 0 <= level <= 1:
            raise UserError(f'--levels {level:g}: give shares from 0 to 1')
    config = load_config(args.config)
    if config.test_dataloader.dataset.type != 'FigureDataset':
        raise UserError(
            f'{args.config}: its test data is no FigureDataset; only drawn figures can '
            'be hidden at will'
        )
    parts = {'detector': ['--detector']}
    if config.model.head.get('refiner') is not None:
        parts['regressor'] = []
    study = OcclusionStudy()
    for level in sorted(set(args.levels)):
        options = [f'test_dataloader.dataset.occlusion={level}']
        if args.num is not None:
            options.append(f'test_dataloader.dataset.num={args.num}')
        study.hidden[level] = hidden_share(config, level, args.num)
        for name, flags in parts.items():
            print(f'{level:.0%} of the joints behind objects: {name}', flush=True)
            study.scores[level, name] = [
                test(args.config, checkpoint, options, flags)
                for checkpoint in args.checkpoint
            ]
    out = Path(args.out)
    with atomic_path(out / 'occlusion.json') as temporary:
        temporary.write_text(json.dumps(study.as_dict(), indent=2) + '\n')
    with atomic_path(out / 'occlusion.md') as temporary:
        temporary.write_text(study.as_markdown())
    study.draw(out / 'occlusion.png')
    print(study.as_markdown())


def hidden_share(config: Config, level: float, num: int | None) -> float:
    """Count how much of the test figures' joints is hidden."""
    dataset = dict(config.test_dataloader.dataset, occlusion=level, pipeline=[])
    if num is not None:
        dataset['num'] = num
    figures = DATASETS.build(dataset)
    flags = [figures[index]['keypoints_visible'][0] for index in range(len(figures))]
    annotated, visible = np.moveaxis(np.stack(flags), -1, 0)
    return 1 - float(visible.sum() / annotated.sum())


def test(
    config: str, checkpoint: str, options: Sequence[str], flags: Sequence[str]
) -> dict:
    """Run tools/test.py and read its numbers.

    Raises:
        UserError: If it fails, with its own line.
    """
    with tempfile.TemporaryDirectory(prefix='occlusion_') as folder:
        numbers = Path(folder, 'scores.json')
        command = [str(TOOLS / 'test.py'), config, checkpoint, *flags]
        command += ['--json', str(numbers), '--work-dir', folder]
        done = subprocess.run(
            [sys.executable, *command, '--cfg-options', *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ['no reason given'])[-1]
            raise UserError(last.removeprefix('error: '))
        return json.loads(numbers.read_text())


if __name__ == '__main__':
    run(main)
