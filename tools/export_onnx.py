"""Write a trained cascade as an ONNX file.

Input "crops": (batch, 3, height, width) uint8, BGR, of the config's input size;
any batch. Outputs, (batch, joints, height, width) float32: "detector", the
probability that a part is to be seen there, and "regressor", the confidence that a
joint is there. Normalisation is inside, batch normalisation folded. Before the file
is written, ONNX Runtime computes maps with it, and they are compared with torch's.

With --int8 the networks compute with 8-bit integers, two to three times as fast on
processors with instructions for them; the ranges of the numbers come from the
config's training data. tools/test.py says what that costs in accuracy: give it either
file in place of the checkpoint.

Examples:
    python tools/export_onnx.py configs/phr_tiny_lsp.py \
        work_dirs/phr_tiny_lsp/stage_joint.pth phr_tiny_lsp.onnx
    python tools/export_onnx.py configs/phr_tiny_lsp.py \
        work_dirs/phr_tiny_lsp/stage_joint.pth phr_tiny_lsp_int8.onnx --int8
    python tools/test.py configs/phr_tiny_lsp.py phr_tiny_lsp_int8.onnx
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from phr_mmpose.apis.onnx_export import export_onnx
from phr_mmpose.apis.onnx_model import is_onnx
from phr_mmpose.apis.onnx_quantization import HELD_OUT, quantize_onnx, training_crops
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.models.pose_estimators import CascadePoseEstimator
from phr_mmpose.utils.cli import run
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import check_output

# A hundred gave the tiny cascade no other accuracy on LSP, sixteen 0.1 less.
_CROPS = 64


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help="the cascade's config")
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('out', type=Path, metavar='OUT.onnx', help='the file to write')
    parser.add_argument(
        '--int8',
        type=int,
        nargs='?',
        const=_CROPS,
        metavar='N',
        help='compute with 8-bit integers, whose ranges come from N crops of '
        f'train_dataloader ({_CROPS})',
    )
    args = parser.parse_args(argv)
    if args.int8 is not None and args.int8 < 1:
        raise UserError(f'--int8 must be at least 1, got {args.int8}')
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
    if args.int8 is None:
        differences = export_onnx(model, args.out)
        kind, digits = 'largest difference from torch', '.1e'
    else:
        differences = export_int8(model, args)
        kind, digits = 'root mean square difference from float32', '.1%'
    print(
        f'{args.out}: {args.out.stat().st_size / 1e6:.1f} MB; {kind}: '
        + ', '.join(f'{value:{digits}} ({name})' for name, value in differences.items())
    )


def export_int8(
    model: CascadePoseEstimator, args: argparse.Namespace
) -> dict[str, float]:
    """Export by way of a file in float32.

    Args:
        model (CascadePoseEstimator): The model.
        args (argparse.Namespace): The command line.

    Returns:
        dict[str, float]: As :func:`quantize_onnx` does.
    """
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder, 'float32.onnx')
        export_onnx(model, exported)
        size = model.head.decoder.input_size
        crops = training_crops(model.cfg, args.config, size, args.int8 + HELD_OUT)
        return quantize_onnx(exported, args.out, crops)


if __name__ == '__main__':
    run(main)
