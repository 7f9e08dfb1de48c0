"""Fit a config's training into a budget, and write the fitted config.

All stages keep their epochs; the length of an epoch is fitted, whatever the size of
the data set. What schedulers count in iterations, such as a warm-up, goes with it.

--images N    as many images in all stages together: the same work for each config
              that is fitted so, on any machine, and the same run every time.
--minutes M   as many images as M minutes of training pay for. The costs of each
              stage are measured first, with loading and augmentation: without a GPU
              in CPU time of all threads (M core-minutes), with one in wall time. On
              a machine that is busy with other things too, CPU time varies by a third
              and more: then --images is the fairer of the two. Setting up, the
              measurement itself and the evaluation are not counted.

A config that was fitted before stays as it is if nothing has changed since, so
that what was trained with it can be resumed.

Example:
    python tools/fit_budget.py configs/phr_tiny_lsp.py --minutes 10 --out short.py
    python tools/train.py short.py --no-validate
"""

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.config import Config, DictAction

from phr_mmpose.engine.budget import (
    TrainingProbe,
    check_budget,
    fit_stages,
    images_in,
    use_short_epochs,
)
from phr_mmpose.engine.stages import config_stages
from phr_mmpose.utils.cli import run
from phr_mmpose.utils.config import load_config, naming
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path

# Long enough for moments in which nothing else runs, short beside the training.
MEASURE_SHARE, LONGEST_MEASURE = 0.03, 60.0


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='the config, a .py file')
    parser.add_argument('--out', required=True, metavar='PY', help='the fitted config')
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument('--minutes', type=float, metavar='M', help='training time')
    budget.add_argument('--images', type=int, metavar='N', help='training images')
    parser.add_argument(
        '--data', metavar='DIR', help="the data, in place of the config's data_root"
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override values of the config, such as train_dataloader.batch_size=8',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Fit one config.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If the config, the data or the budget is faulty, or ``--out``
            was made from something else.
    """
    args = parse_args(argv)
    check_budget(args.minutes, args.images)
    config = load_config(args.config, args.cfg_options)
    with naming(args.config):
        if args.data is not None:
            use_data(config, args.data)
        digest = fingerprint(config, args)
        if Path(args.out).exists():
            check_unchanged(args, digest)
            return
        with TrainingProbe(config) as probe:
            costs = None
            images = args.images
            if images is None:
                seconds = 60 * args.minutes
                costs = probe.costs(min(MEASURE_SHARE * seconds, LONGEST_MEASURE))
                images = images_in(seconds, config_stages(config), costs)
            stages, length = fit_stages(
                config_stages(config), images, probe.batch_size, probe.samples
            )
    use_short_epochs(config, stages, length)
    config.budget = dict(
        digest=digest,
        minutes=args.minutes,
        images=length * sum(stage['epochs'] for stage in stages),
        seconds_per_image=costs,
    )
    with atomic_path(args.out) as temporary:
        temporary.write_text(config.pretty_text)
    for index, stage in enumerate(stages):
        cost = f', {1000 * costs[index]:.2f} ms each' if costs else ''
        print(f'{stage["name"]}: {length * stage["epochs"]:,} images{cost}')


def use_data(config: Config, folder: str) -> None:
    """Have all data sets of a config read from a folder, in place.

    Raises:
        UserError: If there is no such folder, or nothing that would read it.
    """
    if not Path(folder).is_dir():
        raise UserError(f'--data {folder}: no such folder')
    found = [
        dataset
        for name in ('train_dataloader', 'val_dataloader', 'test_dataloader')
        for dataset in datasets(config[name].dataset)
        if 'data_root' in dataset
    ]
    if not found:
        raise UserError(f'--data {folder}: no data set here has a data_root')
    for dataset in found:
        dataset.data_root = str(Path(folder).resolve()) + '/'


def datasets(config: Config) -> Iterator[Config]:
    """Give a data set's config, or those that it joins."""
    if 'datasets' in config:
        for each in config.datasets:
            yield from datasets(each)
    else:
        yield config


def fingerprint(config: Config, args: argparse.Namespace) -> str:
    """Digest all that the fitted config depends on but the measurement."""
    text = f'{config.pretty_text}\n{args.minutes} {args.images}'
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_unchanged(args: argparse.Namespace, digest: str) -> None:
    """Refuse to mix runs of one folder that were not trained alike."""
    before = load_config(args.out).get('budget', {}).get('digest')
    if before != digest:
        raise UserError(
            f'{args.out} was fitted to another budget or config: delete it with what '
            'was trained by it, or name another place'
        )


if __name__ == '__main__':
    run(main)
