"""Estimate the poses of people in photos and videos.

Writes OUT_DIR/poses.json with all keypoints, and OUT_DIR/drawn/ with the poses
drawn on each photo and video. An input that cannot be used is named on stderr;
the others go on, and the exit code is 2.

In a clone ``python tools/demo.py`` is the same command.

Examples:
    phr-pose photo.jpg folder/ clip.mp4 --out-dir out
    phr-pose photo.jpg --config configs/phr_tiny_lsp.py \
        --weights work_dirs/phr_tiny_lsp/stage_joint.pth --out-dir out
    phr-pose crowd.jpg --boxes boxes.json --out-dir out
    phr-pose crowd.jpg --det-config rtmdet_tiny_8xb32-300e_coco.py \
        --det-weights rtmdet_tiny.pth --out-dir out

boxes.json: {"crowd.jpg": [[x1, y1, x2, y2], …]} or
    [{"image": "crowd.jpg", "bbox": [x1, y1, x2, y2]}, …], pixels from 0.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from phr_mmpose.utils.cli import check_within, refuse_renamed_options, run

import torch
from mmpose.models.pose_estimators import TopdownPoseEstimator
from tqdm import tqdm

from phr_mmpose.apis.media import Media, find_media
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.apis.pose_writer import PoseWriter, write_results
from phr_mmpose.commands.options import (
    add_model_options,
    add_person_options,
    box_source,
    check_person_options,
)
from phr_mmpose.deploy import OnnxPoseEstimator
from phr_mmpose.models.heads.cascade_head import CascadeHead
from phr_mmpose.utils.errors import UserError, first_line, one_line
from phr_mmpose.utils.files import check_output, make_folder
from phr_mmpose.zoo import find_model


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    refuse_renamed_options(
        argv,
        detector='give --det-config',
        detector_weights='give --det-weights',
        detector_score='give --bbox-thr',
        hollow_below='give --kpt-thr',
        output_maps='give --output-heatmaps',
    )
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'inputs', nargs='+', metavar='INPUT', help='photo, video, folder'
    )
    add_model_options(parser)
    parser.add_argument('--out-dir', required=True, type=Path, metavar='DIR')
    add_person_options(parser, boxes=True)
    parser.add_argument(
        '--kpt-thr',
        type=float,
        default=0.5,
        metavar='P',
        help='draw joints hollow, as inferred and not seen, that are visible with a '
        'lower probability (0.5)',
    )
    parser.add_argument('--no-draw', action='store_true', help='write poses.json only')
    parser.add_argument(
        '--output-heatmaps',
        action='store_true',
        help="write both subnetworks' heatmaps of each photo to DIR/heatmaps/NAME.npz",
    )
    parser.add_argument(
        '--batch-size',
        type=int,
        metavar='N',
        help='persons in one batch at most (what suits the device and the input size); '
        'fewer take less memory',
    )
    parser.add_argument(
        '--precision',
        choices=('bfloat16', 'float16'),
        help="let a cascade's networks compute with fewer digits (default: float32)",
    )
    args = parser.parse_args(argv)
    check_within('--kpt-thr', args.kpt_thr, 0, 1)
    if args.batch_size is not None and args.batch_size < 1:
        raise UserError(f'--batch-size must be at least 1, got {args.batch_size}')
    return args


def command() -> None:
    """Run as the command ``phr-pose``."""
    run(main)


def main(argv: Sequence[str] | None = None) -> None:
    """Run over all inputs.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If an option, the config or the weights are faulty.
        SystemExit: With code 2 if some inputs could not be used.
    """
    args = parse_args(argv)
    config, weights = find_model(args.config, args.weights)
    check_person_options(args)
    media = find_media(args.inputs)
    check_output(args.out_dir / 'poses.json')
    boxes = box_source(args)
    model = load_pose_model(config, weights, args.device)
    if args.precision:
        check_precision(model)
    make_folder(args.out_dir)
    writer = PoseWriter(
        model,
        boxes,
        args.out_dir,
        draw=not args.no_draw,
        heatmaps=args.output_heatmaps,
        kpt_thr=args.kpt_thr,
        batch_size=args.batch_size,
    )
    # Where autocast is off, old versions of torch still refuse float32.
    dtype = getattr(torch, args.precision or 'bfloat16')
    device = model.data_preprocessor.device.type
    results, failed = [], []
    try:
        with torch.autocast(device, dtype, enabled=args.precision is not None):
            write_all(writer, media, results, failed)
    finally:
        # After Ctrl-C, what was found until then. Also without any result: it says why,
        # and an older one would mislead.
        write_results(args.out_dir / 'poses.json', model, results, failed)
    print(f'{len(results)} of {len(media)} inputs: {args.out_dir}/poses.json')
    if failed:
        raise SystemExit(2)


def check_precision(model: TopdownPoseEstimator) -> None:
    """Refuse a model that does not compute with fewer digits.

    Args:
        model (TopdownPoseEstimator): The model.

    Raises:
        UserError: If it has an ONNX file, or another head than a cascade's.
    """
    if isinstance(model, OnnxPoseEstimator):
        raise UserError('--precision: an ONNX file has its own; leave it out')
    if not isinstance(model.head, CascadeHead):
        raise UserError(
            f'--precision: is for cascades, and {type(model.head).__name__} computes '
            'with all digits only; leave it out'
        )


def write_all(
    writer: PoseWriter, media: list[Media], results: list[dict], failed: list[dict]
) -> None:
    """Go over all inputs; name those that fail on stderr and go on.

    Args:
        writer (PoseWriter): Finds the poses.
        media (list[Media]): The inputs.
        results (list[dict]): Gets what is found, at once.
        failed (list[dict]): Gets what failed why.
    """
    # On anything but a terminal a bar would only litter the log.
    with tqdm(media, unit='input', disable=None) as bar:
        for item in bar:
            done = 0

            def tick(total: int, name: str = one_line(item.path.name)) -> None:
                nonlocal done
                done += 1
                bar.set_postfix_str(f'{name}: frame {done} of {total}')

            try:
                results.append(writer.write(item, tick))
                # What was read of a video that ends early is kept.
                fault = results[-1].get('note')
            except UserError as error:
                fault = str(error)
            # Whatever the stack raises for one input is no reason to lose the others.
            except Exception as error:
                fault = one_line(f'{item.path}: {first_line(error)}')
            if fault:
                failed.append(dict(input=str(item.path), error=fault))
                with bar.external_write_mode(file=sys.stderr):
                    print(f'error: {fault}', file=sys.stderr)
