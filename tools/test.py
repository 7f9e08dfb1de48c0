"""Evaluate a model by its config's test_evaluator, as MMPose's tools/test.py.

Examples:
    python tools/test.py configs/phr_tiny_lsp.py \
        work_dirs/phr_tiny_lsp/stage_joint.pth --out lsp.npz --json lsp.json
    python tools/test.py configs/phr_tiny_lsp.py \
        work_dirs/phr_tiny_lsp/stage_joint.pth --output detector
    python tools/test.py configs/phr_tiny_lsp.py phr_tiny_lsp_int8.onnx
    python tools/test.py phr_lite_lsp

tools/eval_predictions.py makes tables, curves and comparisons of what --out wrote.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from phr_mmpose.utils.cli import refuse_renamed_options, run

import numpy as np
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner

from phr_mmpose.deploy.onnx_heatmaps import OnnxHeatmaps
from phr_mmpose.deploy.onnx_weights import check_same_joints, is_onnx, onnx_config
from phr_mmpose.evaluation.coco_scores import check_coco_scores
from phr_mmpose.evaluation.metrics.keypoint_pck import KeypointPCK
from phr_mmpose.models.heads.cascade_head import DETECTOR, REFINER
from phr_mmpose.utils.checkpoint import check_matches, get_state_dict, load_checkpoint
from phr_mmpose.utils.config import (
    ConfigOptions,
    building,
    choose_work_dir,
    load_config,
    naming,
)
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import check_output, make_work_dir, writing_to
from phr_mmpose.utils.json_files import write_json
from phr_mmpose.zoo import find_model

_WITH_OUT = ('LspPCKAccuracy', 'MpiiPCKhAccuracy')


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    refuse_renamed_options(
        argv,
        detector='give --output detector',
        curve='tools/eval_predictions.py --curve draws what --out wrote',
        compare='tools/eval_predictions.py --compare reads what --out wrote',
    )
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'config', help='the config, or alone a model that comes with the package'
    )
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='the checkpoint, a .pth file, or what tools/export_onnx.py wrote',
    )
    parser.add_argument(
        '--output',
        choices=(DETECTOR, REFINER),
        help="whose heatmaps of a cascade are decoded (the refiner's)",
    )
    parser.add_argument('--out', metavar='NPZ', help='write the predicted joints')
    parser.add_argument('--json', metavar='FILE', help='write the metrics')
    parser.add_argument(
        '--work-dir',
        metavar='DIR',
        help='for the log and the config (test in the folder of the training)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='override values of the config, such as test_dataloader.batch_size=8',
    )
    args = parser.parse_intermixed_args(argv)
    if int(os.environ.get('WORLD_SIZE', 1)) > 1:
        raise UserError(
            'this tests in one process: start it without torchrun, or start '
            "MMPose's own test.py (docs/use.md), with --launcher pytorch"
        )
    args.config, args.checkpoint = find_model(args.config, args.checkpoint)
    for path in filter(None, (args.out, args.json)):
        check_output(path)
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If the config, the data or the checkpoint is faulty.
    """
    args = parse_args(argv)
    config = load_config(args.config, args.cfg_options)
    with naming(args.config):
        runner = build_runner(config, args)
        metrics = runner.test()
    for key, value in metrics.items():
        print(f'{key}: {value:.4g}' if _is_float(value) else f'{key}: {value}')
    if args.json:
        about = dict(
            config=args.config,
            checkpoint=args.checkpoint,
            measure=measure(runner.test_loop.evaluator),
        )
        write_json(args.json, dict(metrics, **about, output=decoded_output(config)))


def build_runner(config: Config, args: argparse.Namespace) -> Runner:
    """Build the runner, and see that the weights fit before anything is run.

    Args:
        config (Config): The config, changed in place by the command line.
        args (argparse.Namespace): The command line.

    Returns:
        Runner: Ready to test.

    Raises:
        UserError: If the config or the weights are faulty or do not fit.
    """
    if args.out:
        metric_with_out(config)['out'] = args.out
    if args.output:
        if decoded_output(config) is None:
            raise UserError(
                f'--output {args.output}: the model is no cascade; leave it out'
            )
        before = config.model.get('test_cfg') or {}
        config.model.test_cfg = {**before, 'output': args.output}
    weights = None
    if is_onnx(args.checkpoint):
        # A fault of the file shows before the runner writes its log.
        OnnxHeatmaps(args.checkpoint)
        config.model = onnx_config(config.model, args.checkpoint)
    else:
        checkpoint = load_checkpoint(args.checkpoint)
        weights = get_state_dict(checkpoint, args.checkpoint)
    # Of a training, the runner would overwrite the config.
    config.work_dir = args.work_dir or str(
        Path(choose_work_dir(config, args.config), 'test')
    )
    config.launcher = 'none'
    config.load_from = None if weights is None else args.checkpoint
    config.resume = False
    make_work_dir(config.work_dir)
    with building(args.config), writing_to(config.work_dir):
        runner = Runner.from_cfg(config)
        # Testing would build it itself, where faults of its own show as well.
        runner.test_loop  # noqa: B018
    check_coco_scores(runner.test_loop.evaluator)
    if weights is None:
        meta = runner.test_dataloader.dataset.metainfo
        check_same_joints(runner.model, meta, args.config)
    else:
        check_matches(runner.model, weights, args.checkpoint)
    return runner


def metric_with_out(config: Config) -> dict:
    """Find the metric of the config that saves predictions."""
    evaluator = config.get('test_evaluator')
    metrics = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]
    found = [each for each in metrics if (each or {}).get('type') in _WITH_OUT]
    if len(found) != 1:
        raise UserError(
            f'--out needs a test_evaluator with exactly one of {", ".join(_WITH_OUT)}: '
            'leave it out, or change the config'
        )
    return found[0]


def measure(evaluator: Evaluator) -> str | None:
    """Say what the rates of a benchmark are, such as PCK@0.2."""
    found = (each for each in evaluator.metrics if isinstance(each, KeypointPCK))
    return next((f'{each.measure}@{each.thr:g}' for each in found), None)


def decoded_output(config: Config) -> str | None:
    """Say which subnetwork's heatmaps are decoded; None for another head."""
    head: Mapping = config.model.get('head') or {}
    if 'refiner' not in head:
        return None
    chosen = (config.model.get('test_cfg') or {}).get('output', REFINER)
    return DETECTOR if head['refiner'] is None else chosen


def _is_float(value: object) -> bool:
    return isinstance(value, (float, np.floating))


if __name__ == '__main__':
    run(main)
