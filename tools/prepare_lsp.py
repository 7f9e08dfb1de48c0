"""Prepare Leeds Sports Pose, or its extended training set, for training."""

import argparse
from pathlib import Path

from phr_mmpose.utils.cli import run

from phr_mmpose.datasets.readers.lsp import read_lsp_folder
from phr_mmpose.datasets.readers.prepared import WAYS, write_prepared


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'src',
        type=Path,
        help='folder with images/ and joints.mat (LSP or LSPET) or annotations.json '
        '(LSPET, cropped)',
    )
    parser.add_argument(
        'dst', type=Path, help='folder to fill; gets images/ and annotations/'
    )
    parser.add_argument(
        '--observer-centric',
        action='store_true',
        help="LSP: take left and right as the observer's (joints_observer_centric.mat)",
    )
    parser.add_argument(
        '--images',
        choices=WAYS,
        default='link',
        help='how photos reach DST: hard links (default; copies where links are '
        'refused), copies, or not at all',
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Read and check everything first, then write."""
    args = parse_args(argv)
    source = read_lsp_folder(
        args.src, args.observer_centric, check_photos=args.images != 'none'
    )
    for line in write_prepared(source, args.dst, args.images):
        print(line)


if __name__ == '__main__':
    run(main)
