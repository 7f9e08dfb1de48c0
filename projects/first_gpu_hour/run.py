"""Train and rate a cascade on LSP in the minutes that a GPU is at hand.

It prepares the data, measures for less than a minute how fast this machine trains,
fits the schedule of the config to the minutes that are left, trains, evaluates LSP's
test half and adds a row to results.md and results.jsonl in --work-dir. --continue goes
on: with a training that was killed or stopped, else with a joint stage of so many
minutes more.

Examples:
    python projects/first_gpu_hour/run.py --minutes 15 --lsp raw/lsp --lspet raw/lspet
    python projects/first_gpu_hour/run.py --minutes 15 --continue
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

if __name__ == '__main__':
    # Its own folder comes first on the path, in place of the repository.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from phr_mmpose.utils.cli import run

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpose.registry import MODELS

from benchmarks.machine import computes_bf16, describe_machine
from phr_mmpose.datasets.readers.lsp import read_lsp_folder
from phr_mmpose.datasets.readers.prepared import write_prepared
from phr_mmpose.engine.pretrained import (
    describe_fit,
    fetch_pretrained,
    forget_pretrained,
)
from phr_mmpose.engine.resuming import latest_checkpoint
from phr_mmpose.engine.stages import StageSchedule, config_stages
from phr_mmpose.utils.checkpoint import get_state_dict, load_checkpoint
from phr_mmpose.utils.config import (
    ConfigOptions,
    data_sets,
    load_config,
    naming,
    use_data,
)
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path, make_folder
from projects.first_gpu_hour.measuring import Speed, measure
from projects.first_gpu_hour.results import (
    add_row,
    describe_commit,
    pick_scores,
    read_rows,
)
from projects.first_gpu_hour.running import DEVICE, evaluate_both, train
from projects.paper_study.budget import (
    CHECKPOINTS,
    fit_stages,
    merge_epochs,
    use_short_epochs,
)

CONFIG = Path(__file__).resolve().parents[2] / 'configs' / 'phr_res50_lsp.py'
# Of the time that is left, what a schedule is fitted to: epochs' borders, the log and
# a clock that slows down under load are not measured.
_SHARE = 0.9
# Of that time, what may go by while epochs wait for their first batches.
_WAITING = 0.1


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--minutes', type=float, required=True, metavar='M', help='for all of it'
    )
    parser.add_argument(
        '--lsp', metavar='RAW', help="LSP's own folder, if --data lacks its lists"
    )
    parser.add_argument('--lspet', metavar='RAW', help='the same of LSPET')
    parser.add_argument(
        '--data', metavar='DIR', help="the prepared data (the config's data_root)"
    )
    parser.add_argument('--work-dir', default='work_dirs/first_gpu_hour', metavar='DIR')
    parser.add_argument(
        '--continue', dest='go_on', action='store_true', help='go on in --work-dir'
    )
    start = parser.add_mutually_exclusive_group()
    start.add_argument(
        '--init', metavar='FILE', help="state dict of the trunk, such as torchvision's"
    )
    start.add_argument(
        '--random-init', action='store_true', help='start from random weights'
    )
    parser.add_argument(
        '--config',
        default=str(CONFIG),
        help='one on LSP, not with --continue (phr_res50_lsp.py)',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE'
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Train and evaluate within the minutes.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If the command, the data or the weights are faulty, or the
            minutes are too few.
    """
    end = time.monotonic()
    args = parse_args(argv)
    end += args.minutes * 60
    folder = Path(args.work_dir)
    part, config = choose_part(folder, args)
    checkpoint = latest_checkpoint(part)
    prepare_data(config, args)
    suit_machine(config)
    if checkpoint or config.load_from:
        forget_pretrained(config.model)
    else:
        choose_initial_weights(config, args)
    make_folder(part)
    with naming(config.filename):
        speed = measure(config, folder)
    print(speed.describe(config.train_dataloader.batch_size), flush=True)

    deadline = end - 2 * speed.evaluation
    if checkpoint:
        print(f'going on from {checkpoint}', flush=True)
        config.load_from, config.resume = str(checkpoint), True
    else:
        fit(config, speed, _SHARE * (deadline - time.monotonic()))
        # Not in the part's folder, where the runner writes its own.
        with atomic_path(part.with_suffix('.py')) as temporary:
            temporary.write_text(config.pretty_text)
    begun = time.monotonic()
    memory = train(config, part, deadline)
    minutes = (time.monotonic() - begun) / 60
    checkpoint = latest_checkpoint(part)
    scores = evaluate_both(config, checkpoint)
    row = describe(config, part, checkpoint, speed)
    row |= dict(minutes=round(minutes, 2), memory_gb=round(memory, 2))
    row['PCK@0.2'] = {name: pick_scores(each) for name, each in scores.items()}
    print(add_row(folder, row), end='')


def choose_part(folder: Path, args: argparse.Namespace) -> tuple[Path, Config]:
    """Decide what to train: a new run, a begun part, or a joint stage more.

    Args:
        folder (Path): The work directory.
        args (argparse.Namespace): The command line.

    Returns:
        tuple[Path, Config]: The part's folder and its config. ``fit_from`` in it
        holds the stages as they were before they were fitted to the time.

    Raises:
        UserError: If there is a run that is not to be continued, or none to be.
    """
    parts = sorted(folder.glob('part_*.py'), key=_number)
    if not args.go_on:
        if parts:
            raise UserError(
                f'{folder} holds a run: --continue goes on with it; for a new one name '
                'another --work-dir'
            )
        config = load_config(args.config, args.cfg_options)
        config.fit_from = config_stages(config)
        if config.fit_from is None:
            raise UserError(f'{args.config}: has no StagedTrainingHook to fit')
        return folder / 'part_1', config
    if not parts:
        raise UserError(f'{folder}: nothing to continue; leave out --continue')
    last = parts[-1].with_suffix('')
    config = load_config(parts[-1], args.cfg_options)
    done = [row['done'] for row in read_rows(folder) if row['part'] == last.name]
    if done[-1:] != [1.0]:
        return last, config
    config.load_from = str(last / f'stage_{config.fit_from[-1].name}.pth')
    config.fit_from = config.fit_from[-1:]
    return folder / f'part_{_number(parts[-1]) + 1}', config


def prepare_data(config: Config, args: argparse.Namespace) -> None:
    """See that the lists of the config's data sets are there, or make them.

    Raises:
        UserError: If the config does not test on LSP, or if a list is missing and its
            raw folder is not given or faulty.
    """
    evaluator = config.test_evaluator
    metrics = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]
    if all(metric.type != 'LspPCKAccuracy' for metric in metrics):
        raise UserError(
            f'{config.filename}: its test_evaluator is not LspPCKAccuracy, whose rates '
            'are the result; give the --config of a cascade on LSP'
        )
    if args.data is not None:
        use_data(config, args.data)
    lists = {
        Path(dataset.data_root, dataset.ann_file)
        for loader in (config.train_dataloader, config.test_dataloader)
        for dataset in data_sets(loader.dataset)
    }
    for name in ('lsp', 'lspet'):
        missing = sorted(
            path
            for path in lists
            if path.name.startswith(f'{name}_') and not path.is_file()
        )
        if not missing:
            continue
        raw = getattr(args, name)
        if raw is None:
            raise UserError(
                f'{missing[0]}: no such list; give --{name} RAW, the folder of the '
                'data set as it comes from its authors (docs/data.md)'
            )
        for line in write_prepared(read_lsp_folder(raw), missing[0].parents[1], 'link'):
            print(line, flush=True)


def suit_machine(config: Config) -> None:
    """Use what this machine is quick at; on a CPU float32 and small test batches."""
    wrapper = config.optim_wrapper
    plain = wrapper.get('type', 'OptimWrapper')
    if DEVICE == 'cpu':
        wrapper.type = 'OptimWrapper'
        config.test_dataloader.batch_size = 2
        return
    if plain in ('OptimWrapper', 'BFloat16OptimWrapper'):
        quick = computes_bf16(DEVICE)
        wrapper.type = 'BFloat16OptimWrapper' if quick else 'OptimWrapper'
    # To try all kernels for every shape takes the better part of a minute.
    config.env_cfg.cudnn_benchmark = False
    if wrapper.optimizer.type in ('Adam', 'AdamW'):
        wrapper.optimizer.fused = True
    for loader in (config.train_dataloader, config.test_dataloader):
        loader.num_workers = max(1, len(os.sched_getaffinity(0)) - 2)


def choose_initial_weights(config: Config, args: argparse.Namespace) -> None:
    """See that the weights to start from are there, before anything takes long.

    Raises:
        UserError: If they cannot be had or do not fit; says how to go on.
    """
    if args.random_init:
        forget_pretrained(config.model)
        return
    backbone = config.model.backbone
    if args.init is not None:
        backbone.init_cfg = dict(type='Pretrained', checkpoint=args.init)
        weights = get_state_dict(load_checkpoint(args.init), args.init)
        with DefaultScope.overwrite_default_scope('mmpose'):
            built = MODELS.build(backbone)
        if lines := describe_fit(built, weights, args.init):
            print(lines, flush=True)
        return
    try:
        fetch_pretrained(config.model)
    except UserError as error:
        raise UserError(f"{error}, or with --init FILE, the trunk's weights") from None


def fit(config: Config, speed: Speed, seconds: float) -> None:
    """Fit the stages to a time, in place; their shares of it stay, but for rounding.

    Args:
        config (Config): The config, its stages in ``fit_from``.
        speed (Speed): How fast the machine trains it.
        seconds (float): The time.

    Raises:
        UserError: If it is too short for one iteration of each epoch.
    """
    batch_size = config.train_dataloader.batch_size
    stages = config.fit_from
    # Fewer epochs, where they would wait too long for their first batches.
    waiting = speed.first * StageSchedule(stages).epochs
    if waiting > _WAITING * seconds:
        stages = merge_epochs(stages, _WAITING * seconds / waiting)
    schedule = StageSchedule(stages)
    seconds -= speed.saving * (CHECKPOINTS + len(schedule))
    seconds -= speed.first * schedule.epochs
    shortest = sum(each.epochs * speed.seconds(each.name) for each in schedule.stages)
    iterations = int(seconds / shortest)
    if iterations < 1:
        raise UserError(
            f'of the --minutes {max(0, seconds) / 60:.2g} are left to train, and an '
            f'iteration in each of {schedule.epochs} epochs takes '
            f'{shortest / 60:.2g}: give more, or a smaller '
            'train_dataloader.batch_size by --cfg-options'
        )
    images = iterations * schedule.epochs * batch_size
    fitted, length = fit_stages(stages, images, batch_size, speed.samples)
    use_short_epochs(config, fitted, length, speed.samples)
    print(
        f'{seconds / 60:.1f} minutes to train: {schedule.epochs} epochs of '
        f'{iterations} iterations',
        flush=True,
    )


def describe(config: Config, part: Path, checkpoint: Path, speed: Speed) -> dict:
    """Tell what was trained, on what."""
    schedule = StageSchedule(config_stages(config))
    meta = load_checkpoint(checkpoint)['meta']
    length = config.train_dataloader.sampler.length
    machine = describe_machine(DEVICE)
    return {
        'part': part.name,
        'commit': describe_commit(),
        'device': machine.get('gpu', machine['processor']),
        'torch': torch.__version__,
        'seed': meta['seed'],
        'done': meta['epoch'] / schedule.epochs,
        'passes': {
            each.name: min(each.epochs, max(0, meta['epoch'] - each.first_epoch))
            * length
            / speed.samples
            for each in schedule.stages
        },
        'it_per_s': {name: 1 / speed.seconds(name) for name in speed.stages},
    }


def _number(path: Path) -> int:
    return int(path.stem.removeprefix('part_'))


if __name__ == '__main__':
    run(main)
