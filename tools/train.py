"""Train a model, in stages where its config has a StagedTrainingHook.

Examples:
    python tools/train.py configs/phr_tiny_figures.py
    python tools/train.py configs/phr_tiny_lsp.py --resume
    python tools/train.py configs/phr_tiny_lsp.py --stages refiner joint \
        --load-from work_dirs/other/stage_detector.pth --work-dir work_dirs/mine
    torchrun --nproc_per_node 2 tools/train.py configs/phr_res152_mpii.py
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from phr_mmpose.utils.cli import run

import torch
from mmengine.config import Config
from mmengine.model import is_model_wrapper
from mmpose.registry import OPTIMIZERS

from phr_mmpose.engine.checked_runner import CheckedRunner
from phr_mmpose.engine.epoch_counts import move_epochs
from phr_mmpose.engine.pretrained import (
    describe_fit,
    fetch_pretrained,
    forget_pretrained,
)
from phr_mmpose.engine.resuming import latest_checkpoint
from phr_mmpose.engine.stages import StageSchedule, config_stages, stages_variable
from phr_mmpose.evaluation.coco_scores import check_coco_scores
from phr_mmpose.utils.checkpoint import check_matches, get_state_dict, load_checkpoint
from phr_mmpose.utils.config import (
    ConfigOptions,
    building,
    choose_work_dir,
    load_config,
    naming,
)
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import make_work_dir, writing_to
from phr_mmpose.zoo import list_models, model_files

# What each launcher tells its processes.
_RANKS = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK')


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='the config, a .py file')
    parser.add_argument(
        '--work-dir', metavar='DIR', help='for logs and checkpoints (work_dirs/CONFIG)'
    )
    start = parser.add_mutually_exclusive_group()
    start.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CKPT',
        help='go on from this checkpoint, or from the last of the work directory',
    )
    start.add_argument(
        '--load-from',
        metavar='CKPT',
        help="start from another run's weights, or from those of a model that comes "
        'with the package, such as phr_lite_lsp',
    )
    parser.add_argument(
        '--stages', nargs='+', metavar='NAME', help='run only these of the stages'
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='mixed precision: float16 on a GPU, bfloat16 on a CPU',
    )
    parser.add_argument('--seed', type=int, metavar='N', help='random seed of the run')
    parser.add_argument(
        '--random-init',
        action='store_true',
        help='start from random weights where the config names pretrained ones',
    )
    parser.add_argument(
        '--no-validate', action='store_true', help='do not evaluate during training'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='override values of the config, such as train_dataloader.batch_size=8',
    )
    parser.add_argument(
        '--launcher',
        choices=('none', 'pytorch', 'slurm', 'mpi'),
        # Processes of torchrun that knew nothing of each other would write to one
        # work directory.
        default='pytorch' if 'TORCHELASTIC_RUN_ID' in os.environ else 'none',
        help='what started the processes (default: pytorch under torchrun)',
    )
    # Old versions of torch's launcher give the rank as an argument.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Train.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If the config, the data or a checkpoint is faulty.
    """
    args = parse_args(argv)
    config = load_config(args.config, args.cfg_options)
    with naming(args.config):
        train(config, args)


def train(config: Config, args: argparse.Namespace) -> None:
    """Fit a config to the command line and run it."""
    check_config(config, args.launcher)
    config.work_dir = choose_work_dir(config, args.config, args.work_dir)
    config.launcher = args.launcher
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    if args.seed is not None:
        config.randomness = {**config.get('randomness', {}), 'seed': args.seed}
    if args.no_validate:
        config.val_cfg = config.val_dataloader = config.val_evaluator = None
    if args.amp:
        use_mixed_precision(config)
    choose_checkpoint(config, args)
    choose_stages(config, args.stages)
    choose_initial_weights(config, args.random_init)
    if args.launcher != 'none' and not torch.cuda.is_available():
        use_processes_without_gpu(config, args.launcher)

    make_work_dir(config.work_dir)
    with building(args.config), writing_to(config.work_dir):
        runner = CheckedRunner.from_cfg(config)
        # Training would build them itself, where faults of its own show as well.
        runner.train_loop, runner.val_loop  # noqa: B018
    if runner.val_loop is not None:
        check_coco_scores(runner.val_loop.evaluator)
        # What is wrong with its photos would show after the first epoch only.
        next(iter(runner.val_loop.dataloader.dataset), None)
    if config.get('load_from'):
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        checkpoint = load_checkpoint(config.load_from)
        weights = get_state_dict(checkpoint, config.load_from)
        if config.get('resume'):
            check_matches(model, weights, config.load_from)
            meta = checkpoint.get('meta')
            epoch = meta.get('epoch') if isinstance(meta, Mapping) else None
            if type(epoch) is int and epoch == runner.max_epochs:
                say(
                    config,
                    f'nothing is left to train: epoch {runner.max_epochs} is the last',
                )
        elif lines := describe_fit(model, weights, config.load_from):
            say(config, lines)
    with building(args.config, 'optim_wrapper'):
        kind = config.optim_wrapper.get('optimizer', {}).get('type')
        if isinstance(kind, str) and OPTIMIZERS.get(kind) is None:
            raise UserError(f'config: optim_wrapper.optimizer: {kind!r} is unknown')
        # Here, so that a faulty optimizer ends in one line that names the config.
        runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    with writing_to(config.work_dir):
        runner.train()


def check_config(config: Config, launcher: str) -> None:
    """Refuse what would end in a traceback, or train nothing, later on."""
    for key in ('model', 'optim_wrapper', 'train_cfg'):
        if not config.get(key):
            raise UserError(
                f'config: has no {key}; give the config of a model to train'
            )
    scaling = config.get('auto_scale_lr') or {}
    if scaling.get('enable') and not scaling.get('base_batch_size'):
        raise UserError(
            'config: auto_scale_lr needs base_batch_size, the batch that the rates are '
            'made for: auto_scale_lr = dict(base_batch_size=...)'
        )
    rank = _RANKS.get(launcher)
    if rank is not None and rank not in os.environ:
        raise UserError(
            f'--launcher {launcher}: {rank} is not set, so that nothing has '
            'started several processes; start them by torchrun, srun or mpirun'
        )


def use_mixed_precision(config: Config) -> None:
    """Replace the plain optimizer wrapper by one with mixed precision."""
    if config.optim_wrapper.get('type', 'OptimWrapper') == 'OptimWrapper':
        config.optim_wrapper.type = (
            'AmpOptimWrapper' if torch.cuda.is_available() else 'BFloat16OptimWrapper'
        )


def choose_checkpoint(config: Config, args: argparse.Namespace) -> None:
    """Decide where to start: a run to resume, other weights, or nothing."""
    if args.load_from is not None:
        shipped = args.load_from in list_models()
        weights = model_files(args.load_from)[1] if shipped else args.load_from
        config.load_from, config.resume = weights, False
    elif args.resume == 'auto':
        found = latest_checkpoint(config.work_dir)
        config.load_from, config.resume = found and str(found), found is not None
        if found is None:
            say(
                config,
                f'nothing to resume in {config.work_dir}: training from the beginning',
            )
    elif args.resume is not None:
        config.load_from, config.resume = args.resume, True


def choose_stages(config: Config, names: Sequence[str] | None) -> None:
    """Keep the stages to run, and warn where what they build on is missing."""
    stages = config_stages(config)
    if stages is None:
        if names is not None or stages_variable(config) is not None:
            raise UserError(
                'config: has no StagedTrainingHook; write default_hooks = dict('
                "param_scheduler=dict(type='StagedTrainingHook', stages=[...]))"
            )
        return
    every = StageSchedule(stages).names
    if names is None:
        return
    for name in names:
        if name not in every:
            raise UserError(
                f'no stage {name!r} in the config: it has {", ".join(every)}'
            )
    chosen = [stage for stage in stages if stage['name'] in names]
    move_epochs(config, {stage['name']: stage['epochs'] for stage in chosen})
    config.default_hooks.param_scheduler.stages = chosen
    config.train_cfg.max_epochs = StageSchedule(chosen).epochs
    # A variable of that name says what trained before.
    config.pop('stages', None)
    left_out = every[: every.index(chosen[0]['name'])]
    if left_out and not config.get('load_from'):
        say(
            config,
            f'warning: stage {chosen[0]["name"]!r} starts from untrained '
            f'weights, without {" and ".join(map(repr, left_out))} before it; '
            f'--load-from RUN/stage_{left_out[-1]}.pth starts from trained ones',
        )


def choose_initial_weights(config: Config, random_init: bool) -> None:
    """See that pretrained weights are there, or that nobody waits for them."""
    if random_init or config.get('load_from'):
        left_out = forget_pretrained(config.model)
        if left_out and random_init:
            say(config, f'starting from random weights, not from {", ".join(left_out)}')
    else:
        fetch_pretrained(config.model)


def use_processes_without_gpu(config: Config, launcher: str) -> None:
    """Let several processes train on CPUs.

    MMEngine picks a GPU for each process before it joins the others, and names
    it to the model's wrapper; so both are done here.
    """
    if launcher == 'pytorch':
        torch.distributed.init_process_group('gloo')
    config.model_wrapper_cfg = dict(
        type='MMDistributedDataParallel',
        device_ids=None,
        broadcast_buffers=False,
        find_unused_parameters=config.get('find_unused_parameters', False),
    )


def say(config: Config, line: str) -> None:
    """Tell the user, once however many processes its launcher has started."""
    rank = _RANKS.get(config.get('launcher'))
    if rank is None or os.environ[rank] == '0':
        print(line, file=sys.stderr)


if __name__ == '__main__':
    run(main)
