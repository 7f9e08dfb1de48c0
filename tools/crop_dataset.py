"""Cut the persons of a data set out of their photos, so that training opens none.

Each person becomes a JPEG of all that training can ever show of the photo, kept no
larger than the input needs, and a new list has them in its pixels. The data set that
reads the photos reads these:

    python tools/crop_dataset.py MpiiPartDataset data/mpii/annotations/mpii_train.json \
        data/mpii/images data/mpii_crops
    python tools/train.py configs/phr_res152_mpii.py --cfg-options \
        train_dataloader.dataset.data_root=data/mpii_crops/

The options must be those of the pipeline. A pipeline that turns or widens the crop
further sees black where the photo goes on.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from phr_mmpose.utils.cli import check_within, run

from tqdm import tqdm

from phr_mmpose.datasets.annotation_list import load_annotation_list
from phr_mmpose.datasets.body import LspDataset, LspetDataset, MpiiPartDataset
from phr_mmpose.datasets.body_size import CROP_PADDING
from phr_mmpose.datasets.cropped_list import write_cropped_list
from phr_mmpose.datasets.person_regions import CropRange, plan_regions
from phr_mmpose.utils.errors import UserError

_TYPES = (MpiiPartDataset, LspDataset, LspetDataset)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'type',
        choices=[kind.__name__ for kind in _TYPES],
        help='the data set that reads the list, and so says where its boxes lie '
        "(LspDataset with crop='joints': as LspetDataset)",
    )
    parser.add_argument('list', type=Path, help='the annotation list')
    parser.add_argument('photos', type=Path, help='the folder of its photos')
    parser.add_argument(
        'dst', type=Path, help='folder to fill; gets images/LIST/ and annotations/'
    )
    parser.add_argument(
        '--input-size',
        nargs=2,
        type=int,
        default=(256, 256),
        metavar=('WIDTH', 'HEIGHT'),
        help='of LoadPersonCrop or TopdownAffine (256 256)',
    )
    parser.add_argument(
        '--padding',
        type=float,
        default=CROP_PADDING,
        help='of GetBBoxCenterScale (%(default)s)',
    )
    parser.add_argument(
        '--scale',
        nargs=2,
        type=float,
        default=(0.7, 1.3),
        metavar=('LEAST', 'MOST'),
        help='of RandomScaleRotation (0.7 1.3)',
    )
    parser.add_argument(
        '--rotation',
        type=float,
        default=40.0,
        metavar='DEGREES',
        help='of RandomScaleRotation (40)',
    )
    parser.add_argument(
        '--quality', type=int, default=95, metavar='Q', help='JPEG quality (95)'
    )
    parser.add_argument(
        '--threads', type=int, default=os.cpu_count(), metavar='N', help='(all cores)'
    )
    args = parser.parse_args(argv)
    for side in args.input_size:
        check_within('--input-size', side, 1, 10_000)
    check_within('--padding', args.padding, 0.1, 10)
    check_within('--scale', args.scale[0], 0.01, args.scale[1])
    check_within('--scale', args.scale[1], args.scale[0], 100)
    check_within('--rotation', args.rotation, 0, 180)
    check_within('--quality', args.quality, 1, 100)
    check_within('--threads', args.threads, 1, 1000)
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Cut out the persons of one list.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If the list or a photo is faulty, or the new list would take the
            place of the old one.
    """
    args = parse_args(argv)
    (kind,) = (each for each in _TYPES if each.__name__ == args.type)
    dataset = kind(lazy_init=True)
    annotations = load_annotation_list(args.list, dataset.NUM_LIST_JOINTS)
    name = args.list.name.removesuffix('.gz').removesuffix('.json')
    path = args.dst / 'annotations' / f'{name}.json'
    if path.exists() and path.samefile(args.list):
        raise UserError(f'{args.dst}: holds the list itself; name another folder')
    crop = CropRange(
        tuple(args.input_size), args.padding, tuple(args.scale), args.rotation
    )
    written = write_cropped_list(
        annotations,
        plan_regions(annotations, dataset.convert, crop),
        args.photos,
        args.dst,
        name,
        args.quality,
        args.threads,
    )
    with tqdm(
        total=len(annotations), unit='persons', file=sys.stderr, disable=None
    ) as bar:
        for count in written:
            bar.update(count)
    width, height = crop.input_size
    print(f'{path}: {len(annotations):,} persons, for inputs of {width} x {height} px')


if __name__ == '__main__':
    run(main)
