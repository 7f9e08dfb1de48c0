"""Prepare MPII Human Pose for training and evaluation."""

import argparse
from pathlib import Path

from phr_mmpose.utils.cli import run

from phr_mmpose.datasets.readers.mpii import (
    PERSONS,
    find_list,
    find_release,
    read_mpii_lists,
    read_mpii_release,
)
from phr_mmpose.datasets.readers.prepared import WAYS, write_prepared
from phr_mmpose.utils.errors import UserError


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'src',
        type=Path,
        help='folder with mpii_human_pose_v1_u12_1.mat, or with mpii_train.json(.gz) '
        'and mpii_val.json(.gz); or the .mat itself. Photos are looked for in images/ '
        'beside them and may be absent',
    )
    parser.add_argument(
        'dst', type=Path, help='folder to fill; gets images/mpii/ and annotations/'
    )
    parser.add_argument(
        '--val-list',
        type=Path,
        help='.mat: photos to validate on, a JSON list or a .txt of image names '
        '(default: mpii_val.json, .json.gz or .txt beside it)',
    )
    parser.add_argument(
        '--train-list',
        type=Path,
        help='.mat: photos to train on (default: mpii_train.json, .json.gz or .txt '
        'beside it, else all others with published joints)',
    )
    parser.add_argument(
        '--persons',
        choices=PERSONS,
        default='single',
        help='.mat: sufficiently separated persons (default), all annotated ones, or '
        'exactly those of the JSON lists',
    )
    parser.add_argument(
        '--headboxes',
        type=Path,
        help='JSON lists: .mat with headboxes_src for the validation list',
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
    check_photos = args.images != 'none'
    release = find_release(args.src)
    if release is None:
        if args.val_list or args.train_list or args.persons != 'single':
            raise UserError(
                f'{args.src}: no mpii_human_pose*.mat here; --val-list, --train-list '
                'and --persons go with it'
            )
        source = read_mpii_lists(args.src, args.headboxes, check_photos)
    else:
        if args.headboxes:
            raise UserError(f'{release} holds the head boxes: drop --headboxes')
        source = read_mpii_release(
            release,
            release.parent / 'images',
            args.val_list or find_list(release.parent, 'mpii_val'),
            args.train_list or find_list(release.parent, 'mpii_train'),
            args.persons,
            check_photos,
        )
    for line in write_prepared(source, args.dst, args.images):
        print(line)


if __name__ == '__main__':
    run(main)
