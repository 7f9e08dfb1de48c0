"""Lay out poses on photos in a grid: best, median and worst by error.

The paper's Figure 7 for any model: reads saved predictions (tools/test.py --out, or
anybody's), the prepared annotation list and its photos. Below each person stands the
mean error of the joints in torso lengths (LSP) or head sizes (MPII), and how many of
them are right; rings and dashed limbs are joints that are not.

Examples:
    python tools/test.py configs/phr_tiny_lsp.py stage_joint.pth --out lsp.npz
    python projects/paper_study/gallery.py --dataset lsp --pred lsp.npz \
        --gt data/lsp/annotations/lsp_test.json --out gallery.png
    python projects/paper_study/gallery.py --dataset mpii --pred preds.mat --one-based \
        --gt data/mpii/annotations/mpii_val.json --show worst --rows 4 --out worst.png
"""

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

if __name__ == '__main__':
    # Its own folder comes first on the path, in place of the repository.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from phr_mmpose.utils.cli import check_within, run

import numpy as np
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from phr_mmpose.apis.media import read_photo
from phr_mmpose.datasets.annotation_list import (
    PIXELS_PER_SCALE,
    AnnotationList,
    load_annotation_list,
)
from phr_mmpose.datasets.body.mpii_part_dataset import center_shift
from phr_mmpose.datasets.body_size import CROP_PADDING
from phr_mmpose.datasets.joints import LSP14_METAINFO, MPII_METAINFO
from phr_mmpose.evaluation.functional.pck import (
    column_joints,
    hits,
    normalized_distances,
    scored_joints,
)
from phr_mmpose.evaluation.ground_truth import GroundTruth, load_lsp, load_mpii
from phr_mmpose.evaluation.predictions import load_predictions
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.pictures import check_picture
from projects.paper_study.ranking import GROUPS, choose_persons, person_errors
from projects.paper_study.tiles import Tile, draw_gallery, pose_picture

_UNITS = {'PCK': 'torso lengths', 'PCKh': 'head sizes'}
_METAINFOS = {'lsp': LSP14_METAINFO, 'mpii': MPII_METAINFO}


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--dataset', required=True, choices=tuple(_METAINFOS))
    parser.add_argument(
        '--gt',
        required=True,
        type=Path,
        metavar='LIST',
        help='annotation list (.json, .json.gz) from tools/prepare_*.py',
    )
    parser.add_argument(
        '--images',
        type=Path,
        metavar='DIR',
        help='folder that the photos of the list are relative to (images beside the '
        "list's folder)",
    )
    parser.add_argument('--pred', required=True, metavar='FILE', help='predictions')
    parser.add_argument(
        '--key', help='array to take where the file of predictions holds several'
    )
    parser.add_argument(
        '--headboxes',
        metavar='FILE',
        help='head boxes of MPII, 2 x 2 x N or N x 4, where the list has none',
    )
    parser.add_argument(
        '--one-based',
        action='store_true',
        help='the predictions count pixels from 1, as MATLAB does (default: from 0)',
    )
    parser.add_argument(
        '--show',
        nargs='+',
        choices=GROUPS,
        default=list(GROUPS),
        help='which groups (all three)',
    )
    parser.add_argument(
        '--rows', type=int, default=1, metavar='N', help='rows of each group (1)'
    )
    parser.add_argument(
        '--columns', type=int, default=6, metavar='N', help='persons of a row (6)'
    )
    parser.add_argument('--dpi', type=int, default=160, help='of the picture (160)')
    parser.add_argument(
        '--out', required=True, type=Path, metavar='PNG', help='the picture'
    )
    args = parser.parse_args(argv)
    check_within('--rows', args.rows, 1, 50)
    check_within('--columns', args.columns, 1, 20)
    check_within('--dpi', args.dpi, 20, 1200)
    if '.json' not in args.gt.suffixes:
        raise UserError(
            f'{args.gt}: give the annotation list from '
            f'tools/prepare_{args.dataset}.py, which names the photos'
        )
    if args.dataset == 'lsp' and args.headboxes:
        raise UserError('--headboxes belongs to MPII; PCK on LSP needs none')
    check_picture(args.out)
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the grid.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If a file is faulty, does not fit or is missing, or there are
            too few persons.
    """
    args = parse_args(argv)
    truth, annotations = read_truth(args)
    predictions = load_predictions(args.pred, truth, args.one_based, args.key)
    images = args.images or args.gt.resolve().parent.parent / 'images'
    persons = Persons(args.dataset, truth, annotations, predictions.joints, images)
    chosen = choose_persons(
        persons.errors, args.rows * args.columns, tuple(dict.fromkeys(args.show))
    )
    draw_gallery(
        {group: list(map(persons.tile, members)) for group, members in chosen.items()},
        args.columns,
        args.out,
        f'below each: mean error in {_UNITS[truth.measure]}; joints within '
        f'{truth.thr:g} of them. Rings and dashed limbs: joints that are not.',
        args.dpi,
    )


def read_truth(args: argparse.Namespace) -> tuple[GroundTruth, AnnotationList]:
    """Read the annotation list: the joints, and the photos with their boxes."""
    # What a list may warn of, occlusion that is not known, matters nothing here.
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)
        if args.dataset == 'lsp':
            truth = load_lsp(args.gt)
        else:
            truth = load_mpii(args.gt, args.headboxes)
        annotations = load_annotation_list(args.gt, len(truth.names))
    return truth, annotations


class Persons:
    """N persons with K predicted joints, rated.

    Args:
        dataset (str): ``'lsp'`` or ``'mpii'``.
        truth (GroundTruth): Their joints.
        annotations (AnnotationList): Their photos and boxes.
        predictions (np.ndarray): Shape (N, K, 2), pixels counted from 1.
        images (Path): The folder that the photos are relative to.
    """

    def __init__(
        self,
        dataset: str,
        truth: GroundTruth,
        annotations: AnnotationList,
        predictions: np.ndarray,
        images: Path,
    ) -> None:
        self.annotations = annotations
        self.predictions = predictions
        self.images = images
        self.joints = parse_pose_metainfo(_METAINFOS[dataset])
        distances = normalized_distances(predictions, truth.joints, truth.reference)
        # Joints in no column of the tables (pelvis, thorax) do not count.
        scored = np.zeros_like(truth.annotated)
        columns = scored_joints(column_joints(truth.names))
        scored[:, columns] = truth.annotated[:, columns]
        self.errors = person_errors(distances, scored)
        right, self.scored = hits(distances, scored, truth.thr)
        self.wrong = self.scored & ~right
        # The models' crops, in pixels from 1.
        self.sides = annotations.scales * PIXELS_PER_SCALE * CROP_PADDING
        self.centers = annotations.centers
        if dataset == 'mpii':
            self.centers = self.centers + center_shift(annotations.scales)

    def tile(self, person: int) -> Tile:
        """Draw a person.

        Args:
            person (int): From 0.

        Raises:
            UserError: If the photo cannot be read.
        """
        picture = pose_picture(
            read_photo(self.images / self.annotations.images[person]),
            self.centers[person] - 1,
            float(self.sides[person]),
            self.predictions[person] - 1,
            self.joints,
            self.wrong[person],
        )
        number = int(self.scored[person].sum())
        right = number - int(self.wrong[person].sum())
        error = self.errors[person]
        shown = f'{error:.2f}' if np.isfinite(error) else 'joints missing'
        return Tile(picture, f'{shown}; {right} of {number}')


if __name__ == '__main__':
    run(main)
