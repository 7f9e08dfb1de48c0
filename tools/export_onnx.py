"""Write a trained cascade as an ONNX file.

Input "crops": (batch, 3, height, width) uint8, BGR, of the config's input size;
any batch. Outputs, (batch, joints, height, width) float32: "detector", the
probability that a joint is to be seen there, and "refiner", the confidence that it
is there. Normalisation is inside, batch normalisation fused. Before the file is
written, ONNX Runtime computes heatmaps with it, which are compared with torch's.

With --int8 the networks compute with 8-bit integers, two to three times as fast on
processors with instructions for them; the ranges of the numbers come from the
config's training data. tools/test.py says what that costs in accuracy: give it either
file in place of the checkpoint.

Examples:
    python tools/export_onnx.py phr_lite_lsp phr_lite_lsp.onnx
    python tools/export_onnx.py configs/phr_tiny_lsp.py \
        work_dirs/phr_tiny_lsp/stage_joint.pth phr_tiny_lsp.onnx
    python tools/export_onnx.py configs/phr_tiny_lsp.py \
        work_dirs/phr_tiny_lsp/stage_joint.pth phr_tiny_lsp_int8.onnx --int8
    python tools/test.py configs/phr_tiny_lsp.py phr_tiny_lsp_int8.onnx
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from phr_mmpose.utils.cli import run

from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.deploy.onnx_export import export_onnx
from phr_mmpose.deploy.onnx_quantization import CROPS_TO_CALIBRATE, export_int8
from phr_mmpose.deploy.onnx_weights import is_onnx
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import check_output
from phr_mmpose.zoo import find_model


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'config', help='the config, or alone a model that comes with the package'
    )
    parser.add_argument('checkpoint', nargs='?', help='its weights')
    parser.add_argument('out', type=Path, metavar='OUT.onnx', help='the file to write')
    parser.add_argument(
        '--int8', action='store_true', help='compute with 8-bit integers'
    )
    parser.add_argument(
        '--crops',
        type=int,
        metavar='N',
        help='of train_dataloader, from which --int8 reads the ranges of numbers '
        f'({CROPS_TO_CALIBRATE})',
    )
    parser.add_argument(
        '--reduce-range',
        action='store_true',
        help='with --int8: use 7 bits of the weights, for x86 processors without VNNI, '
        'whose sums may overflow',
    )
    args = parser.parse_intermixed_args(argv)
    args.config, args.checkpoint = find_model(args.config, args.checkpoint)
    if args.reduce_range and not args.int8:
        raise UserError('--reduce-range: is for --int8 only')
    if args.crops is not None and not args.int8:
        raise UserError('--crops: is for --int8 only')
    if args.crops is not None and args.crops < 1:
        raise UserError(f'--crops must be at least 1, got {args.crops}')
    if not is_onnx(args.out):
        raise UserError(f'{args.out}: name a file that ends with .onnx')
    if is_onnx(args.checkpoint):
        raise UserError(f'{args.checkpoint}: is exported already; give the checkpoint')
    check_output(args.out)
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Export one model.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If config or weights are faulty, or the file cannot be
            written or computes something else.
    """
    args = parse_args(argv)
    model = load_pose_model(args.config, args.checkpoint, 'cpu')
    if args.int8:
        count = args.crops or CROPS_TO_CALIBRATE
        differences = export_int8(
            model, args.config, args.out, count, args.reduce_range
        )
        kind, digits = 'root mean square difference from float32', '.1%'
    else:
        differences = export_onnx(model, args.out)
        kind, digits = 'largest difference from torch', '.1e'
    print(
        f'{args.out}: {args.out.stat().st_size / 1e6:.1f} MB; {kind}: '
        + ', '.join(f'{value:{digits}} ({name})' for name, value in differences.items())
    )


if __name__ == '__main__':
    run(main)
