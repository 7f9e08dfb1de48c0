"""The main job, end to end, on drawn figures: train, evaluate, look.

Runs this project's own tools one after the other and prints each command, so
that any step can be repeated or changed by hand. ``make demo`` calls it.

Example:
    python tools/figures_demo.py --out demo_out
"""

import argparse
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from phr_mmpose.utils.cli import run
from phr_mmpose.utils.errors import UserError

TOOLS = Path(__file__).resolve().parent
CONFIG = TOOLS.parent / 'configs' / 'phr_tiny_figures.py'
# A third seed: the config trains on the first and evaluates on the second.
UNSEEN_SEED = 2


def call(tool: str, *arguments: str | Path) -> None:
    """Run one of this project's tools in the same environment.

    Args:
        tool (str): Its file name in ``tools/``.
        *arguments (str | Path): Its command line.

    Raises:
        UserError: If it fails; it has said why by then.
    """
    command = [str(argument) for argument in (TOOLS / tool, *arguments)]
    print(f'\n$ python {shlex.join(command)}', flush=True)
    done = subprocess.run([sys.executable, *command])
    if done.returncode:
        raise UserError(f'tools/{tool} ended with exit code {done.returncode}')


def main(argv: Sequence[str] | None = None) -> None:
    """Train, evaluate and infer.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If a step fails.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--out', type=Path, default=Path('demo_out'), metavar='DIR')
    out = parser.parse_args(argv).out
    begin = time.monotonic()
    checkpoint = out / 'train' / 'stage_joint.pth'
    unseen = out / 'unseen' / 'images'
    call('train.py', CONFIG, '--work-dir', out / 'train')
    call(
        'test.py',
        *(CONFIG, checkpoint, '--work-dir', out / 'test'),
        *('--json', out / 'pckh.json'),
    )
    call(
        'draw_figures.py',
        *('--num', '12', '--seed', UNSEEN_SEED, '--back-views', '0'),
        *('--out', out / 'unseen'),
    )
    call(
        'demo.py',
        *(unseen, '--config', CONFIG, '--weights', checkpoint),
        *('--boxes', out / 'unseen' / 'boxes.json', '--out-dir', out / 'poses'),
    )
    pictures = sorted(unseen.iterdir())[:3]
    call(
        'show_cascade.py',
        *(*pictures, '--config', CONFIG, '--weights', checkpoint),
        *('--gt', out / 'unseen' / 'annotations' / 'figures.json'),
        *('--out', out / 'cascade'),
    )
    minutes = (time.monotonic() - begin) / 60
    print(
        f'\nDone in {minutes:.1f} minutes. In {out.resolve()}:\n'
        f'  {checkpoint.relative_to(out)}  the checkpoint\n'
        '  pckh.json  the rate of each joint\n'
        '  poses/  the poses on pictures that it never saw\n'
        '  cascade/  what the detector and the refiner see'
    )


if __name__ == '__main__':
    run(main)
