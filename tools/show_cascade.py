"""Show what the detector and the refiner make of a photo, as one picture.

The paper's Figure 2 for any photo: the input, both subnetworks' maps of chosen
joints with their confidences, and the pose.

Examples:
    python tools/show_cascade.py photo.jpg --out panel.png
    python tools/show_cascade.py photo.jpg --config configs/phr_tiny_lsp.py \
        --weights work_dirs/phr_tiny_lsp/stage_joint.pth --out panel.png
    python tools/show_cascade.py data/lsp/images/lsp/im1002.jpg \
        --gt data/lsp/annotations/lsp_test.json --joints r_wrist l_knee \
        --config configs/phr_tiny_lsp.py --weights stage_joint.pth --out panel.png
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from phr_mmpose.utils.cli import check_within, refuse_renamed_options, run

import numpy as np

from phr_mmpose.apis.cascade_view import view_person
from phr_mmpose.apis.known_joints import KnownJoints, joint_index, known_joints
from phr_mmpose.apis.media import read_photo
from phr_mmpose.apis.person_boxes import whole_image
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.commands.options import add_model_options
from phr_mmpose.datasets.boxes import check_boxes
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.joints_meta import joint_names
from phr_mmpose.visualization.cascade_panel import choose_joints, draw_cascade_panel
from phr_mmpose.zoo import find_model


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    refuse_renamed_options(argv, sure='give --kpt-thr')
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('photos', nargs='+', metavar='photo', help='the photo, or more')
    add_model_options(parser)
    parser.add_argument(
        '--out',
        required=True,
        type=Path,
        metavar='PNG',
        help='the picture; for several photos a folder, which gets one for each',
    )
    parser.add_argument(
        '--joints',
        nargs='+',
        metavar='NAME',
        help='such as r_wrist left_knee head_top (default: six, of them the three '
        'that the detector is least sure of)',
    )
    parser.add_argument(
        '--box',
        metavar='X1,Y1,X2,Y2',
        help="the person's box in pixels of the photo (default: the box of --gt, "
        'or the whole photo)',
    )
    parser.add_argument(
        '--gt',
        metavar='LIST',
        help='annotation list that holds the photo: occluded joints get a dashed '
        'outline, true places a ring',
    )
    parser.add_argument(
        '--kpt-thr',
        type=float,
        default=0.5,
        metavar='P',
        help='without --gt, draw joints as hollow (inferred) that are visible with a '
        'lower probability (0.5)',
    )
    parser.add_argument('--dpi', type=int, default=160, help='of the picture (160)')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the panel.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If the photo, the box, the config or the weights are faulty.
    """
    args = parse_args(argv)
    check_within('--dpi', args.dpi, 20, 1200)
    check_within('--kpt-thr', args.kpt_thr, 0, 1)
    config, weights = find_model(args.config, args.weights)
    panels = name_panels(args.photos, args.out)
    images = [read_photo(photo) for photo in args.photos]
    boxes = [parse_box(args.box, image) if args.box else None for image in images]
    model = load_pose_model(config, weights, args.device)
    names = joint_names(model.dataset_meta)
    chosen = [joint_index(name, names) for name in args.joints or ()]
    for photo, image, box, panel in zip(
        args.photos, images, boxes, panels, strict=True
    ):
        known = known_joints(args.gt, photo, names, box) if args.gt else None
        view = view_person(model, image, choose_box(box, known, image, photo), known)
        draw_cascade_panel(
            view, chosen or choose_joints(view), panel, args.kpt_thr, args.dpi
        )


def name_panels(photos: Sequence[str], out: Path) -> list[Path]:
    """Say where each photo's picture goes.

    Args:
        photos (Sequence[str]): The photos.
        out (Path): A file for one photo, a folder for more.

    Returns:
        list[Path]: One for each photo.

    Raises:
        UserError: If two photos would have the same picture.
    """
    if len(photos) == 1:
        return [out]
    panels = [out / f'{Path(photo).stem}.png' for photo in photos]
    if len(set(panels)) < len(panels):
        raise UserError('two photos of the same name; show them one by one')
    return panels


def parse_box(text: str, image: np.ndarray) -> np.ndarray:
    """Read ``--box``.

    Args:
        text (str): Four numbers with commas between.
        image (np.ndarray): The photo, (H, W, 3).

    Returns:
        np.ndarray: Shape (4,).

    Raises:
        UserError: If they are no four numbers or no box of the photo.
    """
    try:
        box = [float(number) for number in text.split(',')]
    except ValueError:
        box = []
    if len(box) != 4:
        raise UserError(f'--box {text}: give four numbers, x1,y1,x2,y2')
    return check_boxes([box], image.shape[:2], f'--box {text}')[0]


def choose_box(
    box: np.ndarray | None, known: KnownJoints | None, image: np.ndarray, photo: str
) -> np.ndarray:
    """Take the box given, else the annotation's, else the whole photo, (4,)."""
    if box is not None:
        return box
    if known is not None:
        return check_boxes([known.box], image.shape[:2], photo)[0]
    return whole_image(Path(photo), image)[0][0]


if __name__ == '__main__':
    run(main)
