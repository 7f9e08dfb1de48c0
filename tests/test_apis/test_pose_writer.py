"""What is drawn and written of poses."""

import cv2
import numpy as np
import pytest

from phr_mmpose.apis.estimation import Poses
from phr_mmpose.apis.media import find_media
from phr_mmpose.apis.person_boxes import whole_image
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.apis.pose_writer import PoseWriter, persons


@pytest.fixture(scope='module')
def model(config, checkpoints):
    return load_pose_model(config, checkpoints['with_meta'], 'cpu')


def test_what_is_probably_hidden_is_drawn_hollow(model, tmp_path, monkeypatch):
    side = 260
    spots = np.stack(np.meshgrid([40, 100, 160, 220], [40, 100, 160, 220]), -1)
    spots = spots.reshape(-1, 2)[:14]
    visible = np.full((1, 14), 0.9, np.float32)
    visible[0, :3] = 0.1
    boxes, box_scores = np.float32([[0, 0, side, side]]), np.ones(1, np.float32)
    poses = Poses(boxes, box_scores, spots[None].astype(float), 1 - visible, visible)
    monkeypatch.setattr('phr_mmpose.apis.pose_writer.estimate_poses', lambda *_: poses)
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((side, side, 3), 128, np.uint8))
    (photo,) = find_media([tmp_path / 'a.png'])
    result = PoseWriter(model, whole_image, tmp_path).write(photo, lambda _: None)
    drawn = cv2.imread(str(tmp_path / result['drawn']))
    columns, rows = spots.T
    # A ring is white in its middle, a disc has its side's colour.
    hollow = (drawn[rows, columns] > 240).all(-1)
    assert np.flatnonzero(hollow).tolist() == [0, 1, 2]


def test_plain_numbers_keep_hundredths_of_a_pixel():
    scores = np.float32([[0.12344, 0.98766]])
    poses = Poses(
        boxes=np.float32([[1.254, 2, 30, 40]]),
        box_scores=np.float32([0.5]),
        keypoints=np.float32([[[10.254, 20.5], [3.128, 4]]]),
        scores=scores,
        visible=1 - scores,
    )
    assert persons(poses) == [
        dict(
            box=[1.25, 2, 30, 40],
            box_score=0.5,
            keypoints=[[10.25, 20.5], [3.13, 4]],
            scores=[0.1234, 0.9877],
            visible=[0.8766, 0.0123],
        )
    ]
