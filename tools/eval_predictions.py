"""Score saved predictions of any model on LSP (PCK) or MPII (PCKh).

Prints the columns of the published tables. Predictions are an array N x K x 2,
or any order of these axes, in a .mat, .h5, .npz, .npy or .json file. K is 14
(LSP's order) or 16 (MPII's). N is the number of persons of the ground truth; of
LSP's joints.mat the test half is scored.

Examples:
    python tools/eval_predictions.py --dataset lsp --gt lsp/joints.mat \
        --pred pred_keypoints_lsp_pc.mat --one-based --curve pck.png
    python tools/eval_predictions.py --dataset mpii --gt mpii_val.json \
        --headboxes gt_valid.mat --pred preds.h5 --one-based --json scores.json
    python tools/eval_predictions.py --dataset lsp --gt lsp/joints.mat \
        --compare ours=ours.npz theirs=theirs.mat --one-based theirs --curve both.png
"""

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from phr_mmpose.utils.cli import run

import numpy as np

from phr_mmpose.evaluation.comparison import (
    Comparison,
    choose_one_based,
    parse_named_files,
)
from phr_mmpose.evaluation.curves import draw_split_curves
from phr_mmpose.evaluation.functional.pck import (
    column_joints,
    joint_rates,
    scored_joints,
    splits,
)
from phr_mmpose.evaluation.ground_truth import GroundTruth, load_lsp, load_mpii
from phr_mmpose.evaluation.predictions import load_predictions
from phr_mmpose.evaluation.report import table
from phr_mmpose.evaluation.scoring import Scores, score_joints
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import check_output
from phr_mmpose.utils.json_files import write_json
from phr_mmpose.utils.pictures import check_picture


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--dataset', required=True, choices=('lsp', 'mpii'))
    parser.add_argument(
        '--gt',
        required=True,
        metavar='FILE',
        help='joints.mat of LSP, or an annotation list (.json, .json.gz)',
    )
    parser.add_argument('--pred', metavar='FILE', help='predictions')
    parser.add_argument(
        '--compare',
        nargs='+',
        default=[],
        metavar='NAME=FILE',
        help='several files of predictions, one row of a table and one line of '
        '--curve each',
    )
    parser.add_argument(
        '--key', help='array to take where files of predictions hold several'
    )
    parser.add_argument(
        '--headboxes',
        metavar='FILE',
        help='head boxes of MPII, 2 x 2 x N or N x 4, where the list has none',
    )
    parser.add_argument(
        '--one-based',
        nargs='*',
        metavar='NAME',
        help='the predictions count pixels from 1, as MATLAB does (default: from 0); '
        'with names, those of --compare alone',
    )
    parser.add_argument('--curve', metavar='PNG', help='draw PCK over the threshold')
    parser.add_argument('--json', metavar='FILE', help='write the unrounded numbers')
    args = parser.parse_args(argv)
    if bool(args.pred) == bool(args.compare):
        raise UserError('give either --pred FILE or --compare NAME=FILE …')
    if args.dataset == 'lsp' and args.headboxes:
        raise UserError('--headboxes belongs to MPII; PCK on LSP needs none')
    if args.json:
        check_output(args.json)
    if args.curve:
        check_picture(args.curve)
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Score one file of predictions, or compare several.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If a file is faulty or does not fit.
    """
    args = parse_args(argv)
    files = parse_named_files(args.compare)
    one_based = choose_one_based(args.one_based, files)
    truth = read_truth(args)
    lacking = int(np.isnan(truth.reference).sum())
    if lacking:
        note(f'{args.gt}: {lacking} persons lack a torso joint and are left out')
    persons = f'{args.dataset.upper()}, {len(truth.joints) - lacking} persons'
    if files:
        compare(args, truth, files, one_based, persons)
    else:
        score_one(args, truth, persons)


def read_truth(args: argparse.Namespace) -> GroundTruth:
    """Read the ground truth, and tell the user what was remarkable about it."""
    # scipy warns of a variable that a file holds twice.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always', UserWarning)
        if args.dataset == 'lsp':
            truth = load_lsp(args.gt)
        else:
            truth = load_mpii(args.gt, args.headboxes)
    for warning in caught:
        note(str(warning.message))
    return truth


def compare(
    args: argparse.Namespace,
    truth: GroundTruth,
    files: dict[str, str],
    one_based: set[str],
    persons: str,
) -> None:
    """Score several files of predictions side by side."""
    comparison = Comparison(truth)
    for name, path in files.items():
        comparison.add_file(name, path, name in one_based, args.key)
    for line in comparison.notes:
        note(line)
    print(f'{persons}, {comparison.table()}')
    differences = comparison.differences()
    if differences:
        print(f'Total beside {next(iter(files))} (95 % by bootstrap over persons)')
    for name, parts in differences.items():
        print(f'{name}: ' + ', '.join(f'{split} {by}' for split, by in parts.items()))
    if args.json:
        content = dict(
            dataset=args.dataset,
            measure=f'{truth.measure}@{truth.thr:g}',
            ground_truth=args.gt,
            systems={
                name: dict(
                    scores.metrics,
                    predictions=files[name],
                    one_based=name in one_based,
                    beside_first={
                        split: by._asdict()
                        for split, by in differences.get(name, {}).items()
                    },
                )
                for name, scores in comparison.scores.items()
            },
        )
        write_json(args.json, content)
    if args.curve:
        comparison.draw(args.curve, args.dataset.upper())


def score_one(args: argparse.Namespace, truth: GroundTruth, persons: str) -> None:
    """Score one file of predictions."""
    one_based = args.one_based is not None
    predictions = load_predictions(args.pred, truth, one_based, args.key)
    for line in predictions.notes:
        note(line)

    distances, scores = score_joints(predictions.joints, truth)
    print(f'{persons}, {args.pred}')
    print(table(scores.rows))
    if args.dataset == 'mpii':
        # Much validation code, MMPose's too, prints the head top alone as Head.
        rates = joint_rates(distances, truth.annotated, truth.thr)
        head_top = rates[truth.names.index('head_top')]
        print(f'Head: mean of upper neck and head top; head top alone {head_top:.1f}')
    if args.json:
        save_scores(args.json, args, truth, distances, scores)
    if args.curve:
        draw_split_curves(
            distances,
            truth.annotated,
            truth.visible,
            truth.names,
            truth.measure,
            truth.thr,
            args.curve,
            f'{args.dataset.upper()}: {Path(args.pred).name}',
        )


def note(line: str) -> None:
    """Tell the user what was decided, without mixing it into the table."""
    print(f'note: {line}', file=sys.stderr)


def save_scores(
    path: str,
    args: argparse.Namespace,
    truth: GroundTruth,
    distances: np.ndarray,
    scores: Scores,
) -> None:
    """Write the metrics under the keys of the metric classes, and the counts."""
    columns = column_joints(truth.names)
    scored = scored_joints(columns)
    counts = {}
    for name, mask in splits(truth.annotated, truth.visible).items():
        mask = mask & ~np.isnan(distances)
        counts[name] = {
            part: int(mask[:, list(joints)].sum()) for part, joints in columns.items()
        }
        counts[name]['Total'] = int(mask[:, scored].sum())
    joints = joint_rates(distances, truth.annotated, truth.thr)
    content = dict(
        scores.metrics,
        dataset=args.dataset,
        measure=f'{truth.measure}@{truth.thr:g}',
        ground_truth=args.gt,
        predictions=args.pred,
        one_based=args.one_based is not None,
        persons=int((~np.isnan(truth.reference)).sum()),
        counts=counts,
        joints=dict(zip(truth.names, joints.tolist(), strict=True)),
    )
    write_json(path, content)


if __name__ == '__main__':
    run(main)
