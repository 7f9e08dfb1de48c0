"""Options that several commands share: the model, and where the persons are."""

import argparse

from phr_mmpose.utils.cli import check_within

from phr_mmpose.apis.person_boxes import (
    BoxFile,
    BoxSource,
    PersonDetector,
    whole_image,
)
from phr_mmpose.utils.errors import UserError
from phr_mmpose.zoo import DEFAULT_MODEL


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--config``, ``--weights`` and ``--device``.

    Args:
        parser (ArgumentParser): The command's.
    """
    parser.add_argument(
        '--config',
        help="the pose model's config; without --weights a model that comes with the "
        f'package ({DEFAULT_MODEL})',
    )
    parser.add_argument('--weights', help='its checkpoint, or an ONNX file')
    parser.add_argument('--device', help='cpu, cuda:0 … (default: a GPU if there)')


def add_person_options(parser: argparse.ArgumentParser, boxes: bool = False) -> None:
    """Add ``--det-config``, ``--det-weights`` and ``--bbox-thr``.

    Args:
        parser (ArgumentParser): The command's.
        boxes (bool): Add ``--boxes``, which a detector excludes. Defaults to False.
    """
    where = parser.add_mutually_exclusive_group()
    if boxes:
        where.add_argument(
            '--boxes',
            metavar='JSON',
            help='boxes of the persons (default: one person in the whole picture)',
        )
    where.add_argument(
        '--det-config',
        metavar='CONFIG',
        help='find persons with this mmdet model (default: one in the whole picture)',
    )
    parser.add_argument(
        '--det-weights',
        metavar='CKPT',
        help="its checkpoint (default: that config's load_from)",
    )
    parser.add_argument(
        '--bbox-thr',
        type=float,
        metavar='P',
        help='drop its boxes of a lower score (0.3)',
    )


def check_person_options(args: argparse.Namespace) -> None:
    """Refuse options of a detector without its config, and a threshold out of range.

    Args:
        args (Namespace): The command line.

    Raises:
        UserError: If one is given.
    """
    if args.bbox_thr is not None:
        check_within('--bbox-thr', args.bbox_thr, 0, 1)
    for option, value in (
        ('--det-weights', args.det_weights),
        ('--bbox-thr', args.bbox_thr),
    ):
        if value is not None and not args.det_config:
            raise UserError(f'{option}: needs --det-config CONFIG')


def box_source(args: argparse.Namespace) -> BoxSource:
    """Choose where boxes come from.

    Args:
        args (Namespace): The command line, perhaps with ``boxes`` and the detector's
            options.

    Returns:
        BoxSource: A file, a detector, or the whole picture.

    Raises:
        UserError: If the file or the detector is faulty.
    """
    options = vars(args)
    if options.get('boxes'):
        return BoxFile(args.boxes)
    if options.get('det_config'):
        given = {} if args.bbox_thr is None else {'score_threshold': args.bbox_thr}
        return PersonDetector(args.det_config, args.det_weights, args.device, **given)
    return whole_image
