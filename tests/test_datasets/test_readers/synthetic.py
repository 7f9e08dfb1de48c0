"""Small data sets in the layouts of the real ones."""

import os

import cv2
import numpy as np
import scipy.io

EMPTY = np.zeros((0, 0))


def write_photo(path, height=40, width=30):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    cv2.imwrite(str(path), picture)
    return path


def write_lsp(folder, layout=(3, 14, 2000)):
    """LSP's folder; person 3 (from 1) has its right knee occluded."""
    first = write_photo(folder / 'images' / 'im0001.jpg')
    for number in range(2, 2001):
        os.link(first, folder / 'images' / f'im{number:04d}.jpg')
    joints = np.ones(layout) * np.arange(1, 15)[:, None]
    joints[2] = 0
    joints[2, 1, 2] = 1
    scipy.io.savemat(folder / 'joints.mat', {'joints': joints})
    return folder


def struct(rows):
    """A MATLAB struct array (1 x N); a key that a row lacks is empty there."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    array = np.empty((1, len(rows)), dtype=[(key, object) for key in keys])
    for index, row in enumerate(rows):
        for key in keys:
            array[0, index][key] = row.get(key, EMPTY)
    return array


def cell(values):
    array = np.empty((len(values), 1), dtype=object)
    for index, value in enumerate(values):
        array[index, 0] = value
    return array


def point(index, x, y, **flag):
    return {'x': float(x), 'y': float(y), 'id': index, **flag}


def person(x, points, scale=2.0):
    return {
        'x1': 10,
        'y1': 20,
        'x2': 13,
        'y2': 24,
        'annopoints': struct([{'point': struct(points)}]),
        'scale': scale,
        'objpos': struct([{'x': x, 'y': 50}]),
    }


def mpii_release():
    """The release's nesting with the quirks of the real file.

    Photos: a.jpg (two persons, the second not separated), b.jpg (an incomplete
    person, then a whole one), c.jpg (no rectangle), d.jpg (rectangles without
    joints), test.jpg (joints not published).
    """
    first = person(
        100,
        [
            point(0, 1, 2, is_visible='1'),
            point(1, 3, 4, is_visible='0'),
            point(2, 5, 6, is_visible=1),
            point(3, 7, 8, is_visible=0),
            point(8, 9.25, 10.5, is_visible=EMPTY),
            point(9, 11.5, 12),
        ],
    )
    second = person(200, [point(15, 21, 22)], scale=4.7184911)
    without_scale = person(300, [point(0, 1, 1)], scale=EMPTY)
    without_position = {**person(0, [point(0, 1, 1)]), 'objpos': EMPTY}
    without_joints = {**person(400, [point(0, 1, 1)]), 'annopoints': EMPTY}
    only_a_head = {'x1': 1, 'y1': 1, 'x2': 2, 'y2': 2}

    def photo(name, rectangles):
        image = struct([{'name': name}])
        return {'image': image, 'annorect': struct(rectangles) if rectangles else EMPTY}

    photos = [
        photo('a.jpg', [first, second]),
        photo('b.jpg', [without_scale, without_joints, without_position, second]),
        photo('c.jpg', []),
        photo('d.jpg', [only_a_head]),
        photo('test.jpg', [only_a_head]),
    ]
    return {
        'annolist': struct(photos),
        'img_train': np.array([[1, 1, 1, 1, 0]]),
        'single_person': cell([np.array([[1]]), np.array([[1, 4]]), EMPTY, EMPTY, 1]),
        'version': 'V1.12',
    }


def write_mpii(folder, release=None):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / 'mpii_human_pose_v1_u12_1.mat'
    scipy.io.savemat(path, {'RELEASE': struct([release or mpii_release()])})
    return path
