"""Prepare Leeds Sports Pose, or its extended training set, for training."""

import argparse
from pathlib import Path

from phr_mmpose.datasets.part_list import occluded_share, save_part_list
from phr_mmpose.datasets.readers.lsp import read_lsp_folder
from phr_mmpose.datasets.readers.photo_files import WAYS, place_photos
from phr_mmpose.utils.cli import run


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
    """Read and check everything first, then write; the lists come last."""
    args = parse_args(argv)
    source = read_lsp_folder(
        args.src, args.observer_centric, check_photos=args.images != 'none'
    )
    for parts in source.lists.values():
        names = [name.removeprefix(f'{source.kind}/') for name in parts.images]
        place_photos(
            names, source.photos, args.dst / 'images' / source.kind, args.images
        )
    for name, parts in source.lists.items():
        path = args.dst / 'annotations' / f'{name}.json'
        save_part_list(path, parts)
        line = f'{path}: {len(parts)} persons, {int(parts.annotated.sum())} joints'
        if source.kind == 'lsp':
            line += f', {occluded_share(parts):.1%} of them occluded'
        print(line)
    if source.dropped:
        print(f'left out: {source.dropped} persons with too few labelled joints')


if __name__ == '__main__':
    run(main)
