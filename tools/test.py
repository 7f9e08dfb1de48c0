"""Evaluate a checkpoint on the test data of its config.

Prints what the config's test_evaluator gives. With one metric of LSP or MPII
(LspPCKAccuracy, MpiiPCKhAccuracy) that is the columns of the published tables, of the
regressor's joints or, with --detector, of the detector's own; with --compare also those
of other results on the same persons.

Examples:
    python tools/test.py configs/phr_tiny_lsp.py work_dirs/phr_tiny_lsp/epoch_9.pth
    python tools/test.py configs/phr_tiny_lsp.py work_dirs/phr_tiny_lsp/epoch_9.pth \
        --detector --json detector.json --curve detector.png --out detector.npz
    python tools/test.py configs/phr_tiny_lsp.py work_dirs/phr_tiny_lsp/epoch_9.pth \
        --compare detector=detector.npz theirs=theirs.mat --one-based theirs \
        --curve all.png
    python tools/test.py configs/phr_tiny_lsp.py phr_tiny_lsp_int8.onnx
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config, DictAction
from mmengine.hooks import Hook
from mmengine.runner import Runner

from phr_mmpose.apis.onnx_model import check_same_joints, is_onnx, onnx_config
from phr_mmpose.evaluation.comparison import (
    Comparison,
    choose_one_based,
    parse_named_files,
)
from phr_mmpose.evaluation.curves import draw_split_curves
from phr_mmpose.evaluation.functional.pck import normalized_distances
from phr_mmpose.evaluation.ground_truth import GroundTruth
from phr_mmpose.evaluation.metrics.part_pck import PartPCK, Poses
from phr_mmpose.evaluation.predictions import load_predictions
from phr_mmpose.evaluation.report import table
from phr_mmpose.evaluation.scoring import score
from phr_mmpose.models.backbones import OnnxMaps
from phr_mmpose.utils.checkpoint import check_matches, get_state_dict, load_from_local
from phr_mmpose.utils.cli import run
from phr_mmpose.utils.config import building, choose_work_dir, load_config, naming
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path, check_output, make_folder
from phr_mmpose.utils.pictures import check_picture

_FLOATS = (float, np.floating)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='the config, a .py file')
    parser.add_argument(
        'checkpoint',
        help='the checkpoint, a .pth file, or what tools/export_onnx.py wrote',
    )
    parser.add_argument(
        '--detector', action='store_true', help="score the detector's own maps"
    )
    parser.add_argument('--out', metavar='NPZ', help='write the predicted joints')
    parser.add_argument('--json', metavar='FILE', help='write the unrounded numbers')
    parser.add_argument(
        '--curve',
        metavar='PNG',
        help='draw PCK over the threshold: of all, visible and occluded joints, or of '
        'all systems of --compare',
    )
    parser.add_argument(
        '--compare',
        nargs='+',
        default=[],
        metavar='NAME=FILE',
        help='files of predictions of the same persons (as tools/eval_predictions.py '
        "reads them) to set beside this model's",
    )
    parser.add_argument(
        '--one-based',
        nargs='*',
        metavar='NAME',
        help='files of --compare that count pixels from 1, as MATLAB does; without '
        'names, all of them',
    )
    parser.add_argument(
        '--work-dir', metavar='DIR', help='for the log (work_dirs/CONFIG)'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override values of the config, such as test_dataloader.batch_size=8',
    )
    args = parser.parse_args(argv)
    for path in filter(None, (args.out, args.json)):
        check_output(path)
    if args.curve:
        check_picture(args.curve)
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
    files = parse_named_files(args.compare)
    one_based = choose_one_based(args.one_based, files)
    config = load_config(args.config, args.cfg_options)
    with naming(args.config):
        metrics, collected = evaluate(config, args, files, one_based)
    if collected is None:
        for key, value in metrics.items():
            written = f'{value:.4g}' if isinstance(value, _FLOATS) else value
            print(f'{key}: {written}')
        if args.json:
            save_json(args, config, metrics)
        return

    distances, poses, names, reference = collected.distances()
    metric = collected.metric
    scores = score(
        distances,
        poses.annotated,
        poses.unoccluded,
        names,
        metric.measure,
        metric.thr,
        metric.extra_thrs,
    )
    maps = decoded_maps(config, args.detector)
    title = f'{args.checkpoint}, {maps}'
    persons = int(np.isfinite(reference).sum())
    print(f'{persons} persons, {title}')
    print(table(scores.rows))
    if args.json:
        # The tables' own names: "measure" says whose they are.
        rates = {
            key.removeprefix(f'{metric.prefix}/'): rate for key, rate in metrics.items()
        }
        measure = f'{metric.measure}@{metric.thr:g}'
        save_json(args, config, dict(rates, measure=measure, persons=persons))
    if files:
        truth = ground_truth(args.config, metric, poses, names, reference)
        comparison = Comparison(truth)
        # The ground truth of files counts pixels from 1.
        comparison.add(f'{Path(args.checkpoint).stem}, {maps}', poses.pred + 1)
        for name, path in files.items():
            comparison.add_file(name, path, name in one_based)
        for line in comparison.notes:
            print(f'note: {line}', file=sys.stderr)
        print(comparison.table())
        if args.curve:
            comparison.draw(args.curve, args.config)
    elif args.curve:
        draw_split_curves(
            distances,
            poses.annotated,
            poses.unoccluded,
            names,
            metric.measure,
            metric.thr,
            args.curve,
            title,
        )


def save_json(args: argparse.Namespace, config: Config, numbers: dict) -> None:
    """Write numbers, and what they were measured with; None in place of NaN."""
    known = {
        key: None if isinstance(value, _FLOATS) and math.isnan(value) else value
        for key, value in numbers.items()
    }
    content = dict(
        known,
        config=args.config,
        checkpoint=args.checkpoint,
        maps=decoded_maps(config, args.detector),
    )
    with atomic_path(args.json) as temporary:
        temporary.write_text(json.dumps(content, indent=2, default=float) + '\n')


def decoded_maps(config: Config, detector: bool) -> str:
    """Say whose maps the joints come from.

    Args:
        config (Config): The config; its head may have no regressor.
        detector (bool): Whether the detector's were asked for.

    Returns:
        str: ``'detector'`` or ``'regressor'``; ``'heatmaps'`` of another head.
    """
    head = config.model.get('head') or {}
    if 'refiner' not in head:
        return 'heatmaps'
    return 'detector' if detector or head.refiner is None else 'regressor'


def ground_truth(
    path: str,
    metric: PartPCK,
    poses: Poses,
    names: tuple[str, ...],
    reference: np.ndarray,
) -> GroundTruth:
    """Turn what was evaluated into what files of predictions are scored against."""
    return GroundTruth(
        path=Path(path),
        measure=metric.measure,
        thr=metric.thr,
        extra_thrs=metric.extra_thrs,
        names=names,
        joints=poses.gt + 1,
        annotated=poses.annotated,
        unoccluded=poses.unoccluded,
        reference=reference,
    )


def check_files(
    runner: Runner, path: str, files: dict[str, str], one_based: set[str]
) -> None:
    """Read files of predictions, to see before the evaluation that they fit.

    Args:
        runner (Runner): Has the persons and the metric.
        path (str): The config.
        files (dict[str, str]): The files, by name.
        one_based (set[str]): The names of those that count pixels from 1.

    Raises:
        UserError: If one is not of the test data's persons and joints.
    """
    dataset = runner.test_dataloader.dataset
    shape = len(dataset), dataset.metainfo['num_keypoints']
    # Only their number matters here.
    joints, known = np.zeros((*shape, 2)), np.ones(shape, bool)
    metric = part_metric(runner)
    prepared = metric.prepare(Poses(joints, joints, known, None, np.ones(len(dataset))))
    truth = ground_truth(path, metric, *prepared)
    for name, file in files.items():
        load_predictions(file, truth, name in one_based)


def evaluate(
    config: Config,
    args: argparse.Namespace,
    files: dict[str, str],
    one_based: set[str],
) -> tuple[dict[str, float], 'CollectResults | None']:
    """Run the test data through the model.

    Args:
        config (Config): The config.
        args (argparse.Namespace): The command line.
        files (dict[str, str]): What will be compared with it.
        one_based (set[str]): Which of these count pixels from 1.

    Returns:
        tuple: The metrics, and what they were computed from; None unless there is
        one metric that fills the tables' columns.

    Raises:
        UserError: If --out, --curve or --compare is asked for without such a metric.
    """
    metric_config = the_metric(config)
    if metric_config is None and (args.out or args.curve or files):
        raise UserError(
            '--out, --curve and --compare need a test_evaluator with exactly one '
            'LspPCKAccuracy or MpiiPCKhAccuracy: leave them out, or change the config'
        )
    weights = None
    if is_onnx(args.checkpoint):
        # A fault of the file shows before the runner writes its log.
        OnnxMaps(args.checkpoint)
        config.model = onnx_config(config.model, args.checkpoint)
    else:
        checkpoint = load_from_local(args.checkpoint, 'cpu')
        weights = get_state_dict(checkpoint, args.checkpoint)
    config.work_dir = choose_work_dir(config, args.config, args.work_dir)
    config.load_from = args.checkpoint if weights is not None else None
    config.resume = False
    if args.detector:
        config.model.test_cfg = {
            **(config.model.get('test_cfg') or {}),
            'output': 'detector',
        }
    if args.out:
        metric_config.out = args.out
    make_folder(config.work_dir)
    with building(args.config):
        runner = Runner.from_cfg(config)
        # Testing would build it itself, where faults of its own show as well.
        runner.test_loop  # noqa: B018
    if weights is None:
        meta = runner.test_dataloader.dataset.metainfo
        check_same_joints(runner.model, meta, args.config)
    else:
        check_matches(runner.model, weights, args.checkpoint)
    if files:
        check_files(runner, args.config, files, one_based)
    if metric_config is None:
        return runner.test(), None
    collected = CollectResults()
    runner.register_hook(collected)
    return runner.test(), collected


def the_metric(config: Config) -> dict | None:
    """Find the one metric that fills the tables' columns in a config.

    Returns:
        dict | None: Its config; None if there is no such metric, or several.
    """
    evaluator = config.get('test_evaluator')
    metrics = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]
    found = [
        metric
        for metric in metrics
        if isinstance(metric, dict)
        and metric.get('type') in ('LspPCKAccuracy', 'MpiiPCKhAccuracy')
    ]
    return found[0] if len(found) == 1 else None


def part_metric(runner: Runner) -> PartPCK:
    """Return the metric that :func:`the_metric` found in the config, as built."""
    (metric,) = (m for m in runner.test_evaluator.metrics if isinstance(m, PartPCK))
    return metric


class CollectResults(Hook):
    """Keep what the metric has collected; it forgets it once it has rated it."""

    def __init__(self) -> None:
        self.metric: PartPCK | None = None
        self._results: list[dict] = []

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Copy the results after the last batch.

        Args:
            runner (Runner): The runner.
            batch_idx (int): The batch, from 0.
            data_batch: Not used.
            outputs: Not used.
        """
        if batch_idx + 1 < len(runner.test_dataloader):
            return
        self.metric = part_metric(runner)
        self._results = list(self.metric.results)

    def distances(self) -> tuple[np.ndarray, Poses, tuple[str, ...], np.ndarray]:
        """Measure the errors of N persons and K joints.

        Returns:
            tuple: Normalised distances (N, K), the poses of the benchmark's
            joints, the joints' names, and the reference lengths (N,).
        """
        stacked = (
            np.stack([result[key] for result in self._results])
            if all(key in result for result in self._results)
            else None
            for key in ('pred', 'gt', 'annotated', 'unoccluded', 'head_size')
        )
        poses, names, reference = self.metric.prepare(Poses(*stacked))
        distances = normalized_distances(poses.pred, poses.gt, reference)
        return distances, poses, names, reference


if __name__ == '__main__':
    run(main)
