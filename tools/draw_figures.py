"""Write figures of the embedded data set: pictures, annotations, a contact sheet.

OUT/boxes.json holds their boxes as ``tools/demo.py --boxes`` reads them. With
--coco they are people of a COCO keypoint file instead, whose face points are not
annotated.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from phr_mmpose.utils.cli import check_within, run

import numpy as np
from tqdm import tqdm

from phr_mmpose.datasets.annotation_list import (
    PIXELS_PER_SCALE,
    AnnotationList,
    occluded_share,
    save_annotation_list,
)
from phr_mmpose.datasets.body.figure_dataset import FigureDataset
from phr_mmpose.datasets.body.mpii_part_dataset import center_shift
from phr_mmpose.datasets.figures import Figure
from phr_mmpose.datasets.figures.sheet import contact_sheet, draw_joints, enlarge
from phr_mmpose.datasets.joints import MPII_JOINTS
from phr_mmpose.datasets.photos import decode_photo
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import check_output
from phr_mmpose.utils.json_files import write_json
from phr_mmpose.utils.pictures import write_picture

COCO_FACE = ('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear')
COCO_BODY = tuple(
    f'{side}_{joint}'
    for joint in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')
    for side in ('left', 'right')
)
# MMPose takes this share of the box for a person's area where a file has none.
AREA_SHARE = 0.53

SHEET_COLUMNS = 8
SHEET_FIGURES = 48
_BLANK = np.zeros((), np.uint8)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv (list[str], optional): Arguments; the process's by default.

    Returns:
        argparse.Namespace: The options.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--num', type=int, default=24, help='how many figures')
    parser.add_argument('--out', required=True, type=Path, help='folder to write to')
    parser.add_argument('--seed', type=int, default=0, help='of the data set')
    parser.add_argument('--size', type=int, default=160, help='picture side, pixels')
    parser.add_argument(
        '--occlusion', type=float, default=0.1, help='share of joints behind objects'
    )
    parser.add_argument(
        '--back-views', type=float, default=0.2, help='share of people seen from behind'
    )
    parser.add_argument(
        '--annotated', action='store_true', help='draw the joints into the sheet'
    )
    parser.add_argument(
        '--coco',
        type=Path,
        metavar='JSON',
        help='write a COCO keypoint file in place of the annotation list and boxes',
    )
    parser.add_argument('--zoom', type=float, default=1.5, help='of the sheet')
    return parser.parse_args(argv)


def annotation_list(names: list[str], figures: list[Figure]) -> AnnotationList:
    """Annotations of figures as ``MpiiPartDataset`` reads them.

    Args:
        names (list[str]): File names of the pictures.
        figures (list[Figure]): As many figures.

    Returns:
        AnnotationList: Coordinates counted from 1, as the format wants them.
    """
    boxes = np.array([figure.box for figure in figures], np.float64)
    scales = (boxes[:, 2] - boxes[:, 0]) / PIXELS_PER_SCALE
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2 + 1
    # MPII's centres lie high on the body, and MpiiPartDataset moves them down.
    centers -= center_shift(scales)
    return AnnotationList(
        images=names,
        centers=centers,
        scales=scales,
        joints=np.array([figure.joints for figure in figures], np.float64) + 1,
        annotated=np.array([figure.annotated for figure in figures]),
        visible=np.array([figure.visible for figure in figures]),
        head_boxes=np.array([figure.head_box for figure in figures], np.float64) + 1,
    )


def coco_file(names: list[str], figures: list[Figure]) -> dict:
    """Describe figures as a COCO keypoint file, one person for each picture.

    Args:
        names (list[str]): File names of the pictures.
        figures (list[Figure]): As many figures.

    Returns:
        dict: The file's content. A joint has v = 2 where it is visible, 1 where it
        is hidden and 0 outside the picture; face points have 0.
    """
    images, annotations = [], []
    for number, (name, figure) in enumerate(zip(names, figures, strict=True), 1):
        height, width = figure.image.shape[:2]
        images.append(dict(id=number, file_name=name, width=width, height=height))
        keypoints = [0] * (3 * len(COCO_FACE))
        for joint in map(MPII_JOINTS.index, COCO_BODY):
            x, y = figure.joints[joint].tolist()
            v = int(figure.annotated[joint]) + int(figure.visible[joint])
            keypoints += [round(x, 2), round(y, 2), v] if v else [0, 0, 0]
        box = person_box(figure)
        annotations.append(
            dict(
                id=number,
                image_id=number,
                category_id=1,
                iscrowd=0,
                bbox=box,
                area=round(AREA_SHARE * box[2] * box[3], 2),
                num_keypoints=sum(v > 0 for v in keypoints[2::3]),
                keypoints=keypoints,
            )
        )
    category = dict(id=1, name='person', keypoints=[*COCO_FACE, *COCO_BODY])
    return dict(images=images, annotations=annotations, categories=[category])


def person_box(figure: Figure) -> list[float]:
    """Box a person as tightly as people do it.

    Args:
        figure (Figure): The person.

    Returns:
        list[float]: x, y, width and height in pixels: about the joints and the
        head, with some room for hands and feet, within the picture.
    """
    points = np.concatenate([figure.joints, figure.head_box.reshape(2, 2)])
    low, high = points.min(axis=0), points.max(axis=0)
    room = 0.05 * (high - low).max()
    last = np.array(figure.image.shape[1::-1]) - 1
    low, high = np.clip(low - room, 0, last), np.clip(high + room, 0, last)
    return np.round([*low, *(high - low)], 2).tolist()


def refuse_another(path: Path, figure: Figure) -> None:
    """Refuse to replace another figure's picture, whose list would be wrong then.

    Args:
        path (Path): Where the picture is to be.
        figure (Figure): The figure.

    Raises:
        UserError: If there is a picture with other pixels.
    """
    try:
        content = path.read_bytes()
    except OSError:
        return  # writing says what is wrong, if something is
    if not np.array_equal(decode_photo(content, path), figure.image):
        raise UserError(
            f'{path}: is another figure, drawn with other options: give another --seed '
            'or --out'
        )


def main(argv: list[str] | None = None) -> None:
    """Draw figures into a folder.

    Args:
        argv (list[str], optional): Arguments; the process's by default.
    """
    args = parse_args(argv)
    check_within('--zoom', args.zoom, 0.1, 10)
    if args.coco:
        check_output(args.coco)
    dataset = FigureDataset(
        num=args.num,
        seed=args.seed,
        image_size=args.size,
        occlusion=args.occlusion,
        back_views=args.back_views,
    )
    names, figures = [], []
    for number in tqdm(range(args.num), desc='figures', unit=''):
        figure = dataset.figure(number)
        names.append(f'figure_{args.seed}_{number}.png')
        path = args.out / 'images' / names[-1]
        refuse_another(path, figure)
        write_picture(path, figure.image)
        if number >= SHEET_FIGURES:
            # Of many figures, the pictures would fill the memory.
            figure = replace(figure, image=np.broadcast_to(_BLANK, figure.image.shape))
        figures.append(figure)
    annotations = annotation_list(names, figures)
    if args.coco:
        write_json(args.coco, coco_file(names, figures), indent=None)
    else:
        save_annotation_list(args.out / 'annotations' / 'figures.json', annotations)
        boxes = {
            name: [figure.box.tolist()]
            for name, figure in zip(names, figures, strict=True)
        }
        write_json(args.out / 'boxes.json', boxes, indent=None)
    mark = draw_joints if args.annotated else enlarge
    cells = [mark(figure, args.zoom) for figure in figures[:SHEET_FIGURES]]
    write_picture(args.out / 'sheet.png', contact_sheet(cells, SHEET_COLUMNS))
    behind = sum(figure.behind_object.sum() for figure in figures)
    print(
        f'{len(figures)} figures in {args.out}: '
        f'{100 * occluded_share(annotations):.1f} % of the joints are hidden, '
        f'{100 * behind / annotations.annotated.sum():.1f} % by objects'
    )


if __name__ == '__main__':
    run(main)
