"""Write a trained cascade as an ONNX file.

Input "crops": (batch, 3, height, width) uint8, BGR, of the config's input size;
any batch. Outputs, (batch, joints, height, width) float32: "detector", the
probability that a part is to be seen there, and "regressor", the confidence that a
joint is there. Normalisation is inside, batch normalisation folded. Before the file
is written, ONNX Runtime computes maps with it, and they are compared with torch's.

Example:
    python tools/export_onnx.py configs/phr_tiny_lsp.py \
        work_dirs/phr_tiny_lsp/stage_joint.pth phr_tiny_lsp.onnx
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from phr_mmpose.apis.onnx_export import export_onnx
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.utils.cli import run


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help="the cascade's config")
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('out', type=Path, metavar='OUT.onnx', help='the file to write')
    return parser.parse_args(argv)


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
    differences = export_onnx(model, args.out)
    print(
        f'{args.out}: {args.out.stat().st_size / 1e6:.1f} MB; largest difference '
        'from torch: '
        + ', '.join(f'{value:.1e} ({name})' for name, value in differences.items())
    )


if __name__ == '__main__':
    run(main)
