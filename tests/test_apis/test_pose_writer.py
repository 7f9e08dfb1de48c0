"""What is drawn and written of poses."""

import json

import cv2
import numpy as np
import pytest

from phr_mmpose.apis.estimation import Poses
from phr_mmpose.apis.media import find_media
from phr_mmpose.apis.person_boxes import whole_image
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.apis.pose_writer import PoseWriter, persons, write_results


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


def test_photos_of_one_name_say_which_files_are_theirs(model, photo, tmp_path):
    paths = [tmp_path / 'a' / 'x.png', tmp_path / 'b' / 'x.png']
    for path in paths:
        path.parent.mkdir()
        cv2.imwrite(str(path), photo)
    writer = PoseWriter(model, whole_image, tmp_path, draw=False, heatmaps=True)
    found = [writer.write(each, lambda _: None) for each in find_media(paths)]
    assert [each['heatmaps'] for each in found] == [
        'heatmaps/x.npz',
        'heatmaps/x_2.npz',
    ]
    assert all((tmp_path / each['heatmaps']).is_file() for each in found)
    assert not any('drawn' in each for each in found)
    writer.heatmaps = False
    assert 'heatmaps' not in writer.write(find_media(paths)[0], lambda _: None)


def test_results_are_one_line_of_json(model, tmp_path):
    photo = dict(image='a.png', width=9, height=8, persons=[])
    video = dict(video='b.mp4', width=7, height=6, fps=5.0, frames=[])
    failed = [dict(input='c.png', error='empty file')]
    write_results(tmp_path / 'poses.json', model, [video, photo], failed)
    (line,) = (tmp_path / 'poses.json').read_text().splitlines()
    found = json.loads(line)
    assert (found['images'], found['videos']) == ([photo], [video])
    assert found['failed'] == failed
    assert len(found['joints']) == 14
    assert np.shape(found['skeleton']) == (len(found['skeleton']), 2)
