"""Faulty boxes of a photo leave its other persons, wherever the boxes come from."""

import json
import pickle

import cv2
import numpy as np
import pytest

pytest.importorskip('pyarrow', reason='no pyarrow: pip install -e ".[ray]"')
import pyarrow as pa

from phr_mmpose.apis.person_boxes import BoxFile
from phr_mmpose.cluster.steps import CropPersons

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
