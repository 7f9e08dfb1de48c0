"""Mutated lists of persons give data sets that can be used, or a UserError."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import synthetic
from fuzzing import (
    ODD_JSON,
    counts,
    json_text,
    mutated,
    mutated_array,
    mutated_bytes,
    survives,
)
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS

import phr_mmpose.datasets  # noqa: F401  (registered)
from phr_mmpose.datasets.annotation_list import load_annotation_list
from phr_mmpose.datasets.joints import LSP14_METAINFO
from phr_mmpose.datasets.readers.lsp import read_lsp_folder
from phr_mmpose.datasets.readers.mpii import read_mpii_lists, read_mpii_release
from phr_mmpose.datasets.readers.prepared import write_prepared

OPTIONS = dict(data_prefix=dict(img=''), pipeline=[], serialize_data=False)


def person(number_of_joints: int, **more) -> dict:
    return {
        'image': 'a.jpg',
        'center': [50.5, 60.25],
        'scale': 1.5,
        'joints': [[10.0 + each, 20.0 + 3 * each] for each in range(number_of_joints)],
        'joints_vis': [1] * number_of_joints,
        **more,
    }


def persons(number_of_joints: int) -> list[dict]:
    first = person(number_of_joints, joints_visible=[1] * number_of_joints)
    return [first, person(number_of_joints, head_box=[1.0, 2.0, 30.0, 40.0])]


def write_json(path: Path, value: object, generator: np.random.Generator) -> None:
    """Write a mutated value, or a value in mutated bytes."""
    if generator.random() < 0.2:
        content = mutated_bytes(json.dumps(value).encode(), generator)
    else:
        content = json_text(mutated(value, generator, ODD_JSON), generator).encode()
    if path.suffix == '.gz':
        content = gzip.compress(content)
        if generator.random() < 0.5:
            content = mutated_bytes(content, generator)
    path.write_bytes(content)


def write_mat(path: Path, value: dict, generator: np.random.Generator) -> None:
    if generator.random() < 0.5:
        scipy.io.savemat(path, value, do_compression=generator.random() < 0.2)
        path.write_bytes(mutated_bytes(path.read_bytes(), generator))
        return
    while True:
        try:
            scipy.io.savemat(path, mutated(value, generator))
            return
        except Exception:  # not all that Python holds can be written
            continue


def check_items(data_set) -> None:
    for item in data_set:
        assert np.isfinite(item['keypoints']).all()
        (box,) = item['bbox']
        assert np.isfinite(box).all() and (box[2:] > box[:2]).all()


def prepared(source, folder: Path) -> None:
    """What was read can be written, and read again."""
    write_prepared(source, folder, 'none')
    joints = 16 if source.kind == 'mpii' else 14
    for name, annotations in source.lists.items():
        again = load_annotation_list(folder / 'annotations' / f'{name}.json', joints)
        assert again.images == annotations.images


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmpose')


@counts(200, 2000)
@pytest.mark.parametrize('kind', ['LspDataset', 'MpiiPartDataset'])
def test_annotation_lists(kind, seeds, tmp_path):
    path = tmp_path / 'list.json'
    joints = 16 if kind == 'MpiiPartDataset' else 14

    def case(generator):
        write_json(path, persons(joints), generator)
        data_set = DATASETS.build(dict(type=kind, ann_file=str(path), **OPTIONS))
        check_items(data_set)

    survives(seeds, case)


@counts(80, 1200)
def test_lists_of_mpii(seeds, tmp_path):
    (tmp_path / 'train.json').write_text(json.dumps(persons(16)))
    boxes = {'headboxes_src': np.arange(8.0).reshape(2, 2, 2)}

    def case(generator):
        write_json(tmp_path / 'val.json.gz', persons(16), generator)
        head_boxes = None
        if generator.random() < 0.5:
            head_boxes = tmp_path / 'boxes.mat'
            write_mat(head_boxes, boxes, generator)
        prepared(read_mpii_lists(tmp_path, head_boxes), tmp_path / 'out')

    survives(seeds, case)


@counts(80, 1200)
def test_release_of_mpii(seeds, tmp_path):
    path, listed = tmp_path / 'mpii_human_pose.mat', tmp_path / 'val.txt'
    release = {'RELEASE': synthetic.struct([synthetic.mpii_release()])}
    listed.write_text('b.jpg\n')

    def case(generator):
        write_mat(path, release, generator)
        way = generator.integers(3)
        if way == 0:
            source = read_mpii_release(path, tmp_path, persons='annotated')
        else:
            val = listed
            if way == 1:
                val = tmp_path / 'val.json'
                write_json(
                    val, [person(16, image='b.jpg', center=[200, 50])], generator
                )
            source = read_mpii_release(
                path, tmp_path, val, persons=('listed', 'single')[way - 1]
            )
        prepared(source, tmp_path / 'out')

    survives(seeds, case)


@counts(150, 2000)
def test_lsp(seeds, tmp_path):
    path = tmp_path / 'joints.mat'
    shape = (14, 3, 20)
    (tmp_path / 'images').mkdir()
    for number in range(20):
        (tmp_path / 'images' / f'{number}.jpg').touch()
    joints = np.random.default_rng(0).integers(1, 3, shape).astype(np.uint8)
    joints[:, 2] = 1
    entries = [
        dict(image='a.jpg', joints=joints[..., each].tolist()) for each in (0, 1)
    ]

    def case(generator):
        path.unlink(missing_ok=True)
        if generator.random() < 0.3:
            array = mutated_array(joints, generator)
            if array.dtype.kind == 'M':
                return
            scipy.io.savemat(path, {'joints': array})
            if generator.random() < 0.5:
                path.write_bytes(mutated_bytes(path.read_bytes(), generator))
        else:
            write_json(tmp_path / 'annotations.json', entries, generator)
        prepared(read_lsp_folder(tmp_path, check_photos=False), tmp_path / 'out')

    survives(seeds, case)


@counts(150, 2000)
def test_coco(seeds, tmp_path):
    annotation = dict(
        id=1, image_id=1, category_id=1, bbox=[5, 10, 40, 60], area=900.0, iscrowd=0
    )
    annotation.update(num_keypoints=14, keypoints=[10.5, 20, 2, 10, 20, 1] * 7)
    content = dict(
        images=[dict(id=1, file_name='a.png', width=80, height=100)],
        annotations=[annotation, dict(annotation, id=2)],
        categories=[dict(id=1, name='person')],
    )
    path = tmp_path / 'coco.json'

    def case(generator):
        write_json(path, content, generator)
        data_set = DATASETS.build(
            dict(
                type='CocoKeypointDataset',
                ann_file=str(path),
                metainfo=LSP14_METAINFO,
                **OPTIONS,
            )
        )
        check_items(data_set)

    survives(seeds, case)
