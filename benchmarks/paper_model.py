"""What the paper's model costs: size, operations, time and memory of each stage.

Builds a config as it stands, then runs one training iteration of each of its
stages and one prediction on photos of LSP, each in a process of its own, so that
the peak memory of one says nothing about the others.

Example:
    python tools/prepare_lsp.py path/to/lsp data/lsp
    python benchmarks/paper_model.py --random-init --json paper_model.json
"""

import argparse
import datetime
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

if __name__ == '__main__':
    # Its own folder comes first on the path, in place of the repository.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, MODELS
from torch import nn

from benchmarks.machine import describe_machine
from benchmarks.measure import peak_memory
from phr_mmpose.engine.freezing import Freezing
from phr_mmpose.engine.pretrained import fetch_pretrained, forget_pretrained
from phr_mmpose.engine.stages import StageSchedule, config_stages
from phr_mmpose.models.complexity import build_without_memory, complexity
from phr_mmpose.utils.cli import run
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path

REPO = Path(__file__).resolve().parent.parent
PREDICTION = 'prediction'


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--config',
        default=str(REPO / 'configs' / 'phr_res152_mpii.py'),
        help='the config (phr_res152_mpii.py)',
    )
    parser.add_argument(
        '--data',
        default=str(REPO / 'data' / 'lsp'),
        metavar='DIR',
        help='LSP as prepared by tools/prepare_lsp.py (data/lsp)',
    )
    parser.add_argument('--batch', type=int, help="samples (the config's batch size)")
    parser.add_argument(
        '--iterations',
        type=int,
        default=1,
        metavar='N',
        help='iterations of each stage, and predictions (1)',
    )
    parser.add_argument(
        '--random-init',
        action='store_true',
        help='start from random weights where the config names pretrained ones',
    )
    parser.add_argument('--json', metavar='FILE', help='write the results there too')
    parser.add_argument('--case', help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    for name in ('batch', 'iterations'):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise UserError(f'--{name} must be at least 1, got {value}')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Measure all cases, or, as a child process, one.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If the config or the data is faulty or a case fails.
    """
    args = parse_args(argv)
    config = load_config(args.config)
    init_default_scope('mmpose')
    if args.batch is None:
        args.batch = config.train_dataloader.batch_size
    if args.case:
        print(json.dumps(measure(args.case, config, args)))
        return
    if args.random_init:
        forget_pretrained(config.model)
    else:
        fetch_pretrained(config.model)
    result = dict(
        command=' '.join(['python', *sys.argv]),
        date=datetime.date.today().isoformat(),
        machine=describe_machine('cpu'),
        config=Path(args.config).name,
        batch=args.batch,
        size=model_size(config),
        cases={},
    )
    print_size(result)
    for case in (*StageSchedule(config_stages(config)).names, PREDICTION):
        result['cases'][case] = measure_apart(case, args)
        print_case(case, result['cases'][case])
    if args.json:
        with atomic_path(args.json) as path:
            path.write_text(json.dumps(result, indent=2) + '\n')


def model_size(config: Config) -> dict:
    """Count parameters and multiplications of each part, for one image.

    Args:
        config (Config): The config.

    Returns:
        dict: By part: ``parameters`` and ``gmac`` (10^9 multiplications with
        addition, of convolutions and matrix products).
    """
    costs = complexity(build_without_memory(config.model))
    return {
        part: dict(parameters=cost.parameters, gmac=round(cost.macs / 1e9, 3))
        for part, cost in costs.items()
    }


def measure_apart(case: str, args: argparse.Namespace) -> dict:
    """Measure one case in a process of its own.

    Raises:
        UserError: With the last line that the process wrote, if it fails.
    """
    command = [sys.executable, __file__, '--case', case, '--config', args.config]
    command += ['--data', args.data, '--batch', str(args.batch)]
    command += ['--iterations', str(args.iterations)]
    command += ['--random-init'] if args.random_init else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise UserError(
            f'case {case} ended with exit code {done.returncode}; see above '
            '(negative: killed by that signal, for want of memory perhaps)'
        )
    return json.loads(done.stdout.splitlines()[-1])


def measure(case: str, config: Config, args: argparse.Namespace) -> dict:
    """Measure one case in this process.

    Args:
        case (str): A stage's name or ``'prediction'``.
        config (Config): The config.
        args (argparse.Namespace): The command line.

    Returns:
        dict: ``seconds`` of each iteration, ``peak_memory_gb`` of the process
        and, of a stage, its ``losses``.
    """
    if args.random_init:
        forget_pretrained(config.model)
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    model.init_weights()
    if case == PREDICTION:
        seconds, more = time_prediction(model, config, args)
    else:
        seconds, more = time_stage(model, case, config, args)
    peak = peak_memory('cpu')
    return dict(seconds=seconds, peak_memory_gb=round(peak, 3), **more)


def time_stage(
    model: nn.Module, name: str, config: Config, args: argparse.Namespace
) -> tuple[list[float], dict]:
    """Time training iterations of a stage, data not included."""
    schedule = StageSchedule(config_stages(config))
    stages = {stage.name: stage for stage in schedule.stages}
    model.train()
    Freezing(model).train_only(stages[name].trains)
    optimizer = build_optim_wrapper(model, config.optim_wrapper)
    data = load_batch(
        config.train_dataloader.dataset.pipeline, 'lsp_train', args.data, args.batch
    )
    seconds = []
    for _ in range(args.iterations):
        start = time.perf_counter()
        losses = model.train_step(data, optimizer)
        seconds.append(round(time.perf_counter() - start, 3))
    losses = {key: round(value.item(), 6) for key, value in losses.items()}
    return seconds, dict(losses=losses)


def time_prediction(
    model: nn.Module, config: Config, args: argparse.Namespace
) -> tuple[list[float], dict]:
    """Time predictions of one photo by the config's ``test_cfg``."""
    model.eval()
    pipeline = config.test_dataloader.dataset.pipeline
    data = load_batch(pipeline, 'lsp_test', args.data, 1)
    seconds = []
    with torch.no_grad():
        for _ in range(args.iterations):
            start = time.perf_counter()
            results = model.test_step(data)
            seconds.append(round(time.perf_counter() - start, 3))
    points = results[0].pred_instances.keypoints
    return seconds, dict(
        flip_test=config.model.test_cfg.get('flip_test', False), joints=points.shape[1]
    )


def load_batch(pipeline: list, split: str, data: str, count: int) -> dict:
    """Load the first persons of LSP, in MPII's 16 joints.

    Raises:
        UserError: If the folder is not prepared.
    """
    dataset = DATASETS.build(
        dict(
            type='LspDataset',
            data_root=data,
            ann_file=f'annotations/{split}.json',
            data_prefix=dict(img='images/'),
            joints='mpii16',
            pipeline=pipeline,
        )
    )
    return pseudo_collate([dataset[index] for index in range(count)])


def print_size(result: dict) -> None:
    """Print machine, parameters and operations."""
    machine = result['machine']
    print(
        f'{result["config"]}, batch {result["batch"]}, {machine["processor"]}, '
        f'{machine["cores"]} cores, {machine["threads"]} threads, '
        f'torch {machine["versions"]["torch"]}'
    )
    for part, size in result['size'].items():
        print(
            f'{part:<10} {size["parameters"] / 1e6:7.2f} M parameters '
            f'{size["gmac"]:6.2f} GMac',
            flush=True,
        )


def print_case(name: str, case: dict) -> None:
    """Print what one case took."""
    middle = sorted(case['seconds'])[len(case['seconds']) // 2]
    losses = ' '.join(f'{k} {v:.4g}' for k, v in case.get('losses', {}).items())
    print(
        f'{name:<10} {middle:8.2f} s {case["peak_memory_gb"]:6.2f} GB  {losses}',
        flush=True,
    )


if __name__ == '__main__':
    run(main)
