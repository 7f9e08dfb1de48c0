"""A small annotation list with photos, and a data set that reads it."""

import json
from pathlib import Path

import numpy as np
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS
from photo_samples import as_jpeg, smooth_photo

SIZE = (64, 64)


def write_data(folder: Path, persons: int = 7) -> Path:
    """Write photos of 403 x 301 px with two persons each, near every border."""
    generator = np.random.default_rng(1)
    (folder / 'photos').mkdir(parents=True)
    entries = []
    for number in range(persons):
        name = f'{number // 2}.jpg'
        if number % 2 == 0:
            image = smooth_photo(403, 301, grain=40 + number)
            (folder / 'photos' / name).write_bytes(as_jpeg(image))
        center = generator.uniform([60, 60], [340, 240])
        joints = center + generator.uniform(-60, 60, (16, 2))
        entries.append(
            {
                'image': name,
                'center': center.round(2).tolist(),
                'scale': [0.3, 0.6, 1.1][number % 3],
                'joints': joints.round(2).tolist(),
                'joints_vis': [1] * 16,
                'joints_visible': [1, 0] * 8,
            }
        )
    (folder / 'list.json').write_text(json.dumps(entries))
    return folder


def pipeline(size=SIZE, rotation: float = 40.0, augment: bool = True) -> list[dict]:
    """Build the steps of a training or test pipeline, without packing."""
    moves = [
        {'type': 'RandomMirror'},
        {'type': 'RandomScaleRotation', 'rotation': rotation},
    ]
    return [
        {'type': 'SeedAugmentation'},
        {'type': 'GetBBoxCenterScale'},
        *(moves if augment else []),
        {'type': 'LoadPersonCrop', 'input_size': size},
    ]


def settings(folder: Path, **options) -> dict:
    """Give the data set's config."""
    return {
        'type': 'MpiiPartDataset',
        'data_root': str(folder),
        'ann_file': 'list.json',
        'data_prefix': {'img': 'photos'},
        'pipeline': pipeline(),
        **options,
    }


def build(folder: Path, **options):
    """Build the data set."""
    init_default_scope('mmpose')
    return DATASETS.build(settings(folder, **options))
