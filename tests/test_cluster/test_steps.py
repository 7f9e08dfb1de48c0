"""Photos find their boxes, and one that is faulty costs no more than itself."""

import json
import pickle
from urllib.parse import quote

import cv2
import numpy as np
import pytest

pytest.importorskip('pyarrow', reason='no pyarrow: pip install -e ".[ray]"')
import pyarrow as pa

from phr_mmpose.apis.estimation import PersonPipeline, predict
from phr_mmpose.apis.person_boxes import BoxFile
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.cluster.steps import CropPersons, PredictPoses

BOXES = [[1, 2, 11, 22], [5, 5, 5, 9], [3, 4, 13, 24]]


def cut(image, box):
    return box.tolist()


@pytest.mark.parametrize('column', [False, True])
def test_a_faulty_box_is_told_and_the_others_are_kept(tmp_path, column):
    photo, file = tmp_path / 'a.png', tmp_path / 'boxes.json'
    cv2.imwrite(str(photo), np.zeros((30, 40, 3), np.uint8))
    file.write_text(json.dumps({'a.png': BOXES}))
    crop = CropPersons(cut) if column else CropPersons(cut, BoxFile(file))
    given = json.dumps(BOXES) if column else None
    found = crop(pa.table({'path': [str(photo)], 'boxes': pa.array([given])}))
    boxes, scores, persons = pickle.loads(found['crops'][0].as_py())
    assert boxes.tolist() == persons == [BOXES[0], BOXES[2]]
    assert scores.tolist() == [1, 1]
    assert 'box' in found['error'][0].as_py()


@pytest.mark.parametrize('name', ['my photo.jpg', 'a#?b.jpg', '100%25.jpg'])
@pytest.mark.parametrize('options', ['', '?endpoint_override=HOST:1&scheme=http'])
def test_photos_of_a_store_have_their_own_names(tmp_path, monkeypatch, name, options):
    content = cv2.imencode('.jpg', np.zeros((30, 40, 3), np.uint8))[1].tobytes()
    monkeypatch.setattr('phr_mmpose.cluster.steps.read_file', lambda _: content)
    file = tmp_path / 'boxes.json'
    file.write_text(json.dumps({name: BOXES[:1]}))
    address = f's3://bucket/day/{quote(name)}{options}'
    table = pa.table({'path': [address], 'boxes': pa.array([None], pa.string())})
    found = CropPersons(cut, BoxFile(file))(table)
    assert found['error'].to_pylist() == [None]
    assert pickle.loads(found['crops'][0].as_py())[2] == BOXES[:1]


def test_photos_of_this_machine_keep_their_signs(tmp_path):
    photo, file = tmp_path / 'a%20b?.png', tmp_path / 'boxes.json'
    cv2.imwrite(str(photo), np.zeros((30, 40, 3), np.uint8))
    file.write_text(json.dumps({'a%20b?.png': BOXES[:1]}))
    table = pa.table({'path': [str(photo)], 'boxes': pa.array([None], pa.string())})
    assert CropPersons(cut, BoxFile(file))(table)['error'].to_pylist() == [None]


@pytest.fixture
def failing(monkeypatch):
    """A network that fails on persons who are black."""

    def fail(model, crops):
        if any(not crop['inputs'].any() for crop in crops):
            raise RuntimeError('too dark\nat some line')
        return predict(model, crops)

    monkeypatch.setattr('phr_mmpose.cluster.steps.predict', fail)


def crops_of(folder, pipeline, **boxes):
    image = np.zeros((100, 500, 3), np.uint8)
    image[:, 400:] = 255
    paths = [str(folder / f'{name}.png') for name in boxes]
    for path in paths:
        cv2.imwrite(path, image)
    given = pa.array([json.dumps(each) for each in boxes.values()])
    return CropPersons(pipeline)(pa.table({'path': paths, 'boxes': given}))


BLACK, WHITE = [50, 20, 110, 80], [420, 20, 480, 80]


def test_a_person_on_whom_the_network_fails_costs_no_other(
    failing, config, checkpoints, tmp_path
):
    step = PredictPoses(config, checkpoints['with_meta'], 'cpu', batch_size=3)
    pipeline = PersonPipeline(load_pose_model(config, checkpoints['with_meta'], 'cpu'))
    faulty = [50, 20, 50, 80]
    crops = crops_of(
        tmp_path, pipeline, one=[WHITE], both=[BLACK, WHITE, faulty], dark=[BLACK]
    )
    found = step(crops)
    boxes = [
        [one['box'] for one in json.loads(each)]
        for each in found['persons'].to_pylist()
    ]
    assert boxes == [[WHITE], [WHITE], []]
    one, both, dark = found['error'].to_pylist()
    assert one is None
    assert 'box 2' in both
    assert both.endswith(f'; {tmp_path}/both.png: RuntimeError: too dark')
    assert dark == f'{tmp_path}/dark.png: RuntimeError: too dark'
    # Nor does it count for the network, if there are no others.
    assert step(crops.slice(2))['error'].to_pylist() == [dark]


def test_a_network_that_fails_on_everyone_ends_the_job(
    failing, config, checkpoints, tmp_path
):
    step = PredictPoses(config, checkpoints['with_meta'], 'cpu', batch_size=3)
    pipeline = PersonPipeline(load_pose_model(config, checkpoints['with_meta'], 'cpu'))
    with pytest.raises(RuntimeError, match='too dark'):
        step(crops_of(tmp_path, pipeline, a=[BLACK], b=[BLACK]))
