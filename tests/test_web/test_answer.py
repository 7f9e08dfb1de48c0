"""What the page shows of a photo, without a browser."""

import base64
import json
import re

import cv2
import numpy as np
import pytest

from phr_mmpose.apis import estimate_poses, load_pose_model
from phr_mmpose.apis.person_boxes import whole_image
from phr_mmpose.commands.web import draw_figures
from phr_mmpose.utils.errors import UserError
from phr_mmpose.web import answer as module
from phr_mmpose.web.answer import PhotoAnswerer, bring_to_size, draw_corner

FIGURE = draw_figures()[0].image
PHOTO = cv2.imencode('.png', FIGURE)[1].tobytes()


@pytest.fixture(scope='module')
def answerer():
    return PhotoAnswerer(load_pose_model('phr_lite_lsp', device='cpu'), whole_image)


def test_the_answer_is_that_of_phr_pose(answerer):
    found = answerer.answer(PHOTO)
    height, width = FIGURE.shape[:2]
    plain = estimate_poses(
        answerer.model, FIGURE, np.array([[0, 0, width, height]], np.float32)
    )
    np.testing.assert_allclose(found.poses.keypoints, plain.keypoints, atol=1e-3)
    assert found.box is None


def test_a_box_is_one_person(answerer):
    box = (100.0, 20.0, 400.0, 460.0)
    found = answerer.answer(PHOTO, box)
    np.testing.assert_array_equal(found.poses.boxes, [box])
    np.testing.assert_array_equal(found.box, box)
    with pytest.raises(UserError, match='outside the photo'):
        answerer.answer(PHOTO, (1000, 1000, 1100, 1100))


@pytest.mark.parametrize(
    ('photo', 'fact'),
    [
        (b'no photo at all', 'not a readable photo'),
        (b'', 'empty file'),
        (PHOTO[: len(PHOTO) // 2], 'ends early'),
    ],
)
def test_a_file_that_is_no_photo_is_refused(answerer, photo, fact):
    with pytest.raises(UserError, match=fact) as caught:
        answerer.answer(photo)
    assert 'list' not in str(caught.value)


def test_the_size_is_checked_before_a_photo_is_decoded(answerer, monkeypatch):
    large = cv2.imencode('.png', np.zeros((8000, 8000), np.uint8))[1].tobytes()
    monkeypatch.setattr('phr_mmpose.datasets.photos.imdecode', None)
    with pytest.raises(UserError, match=r'8000 x 8000.*50 megapixels'):
        answerer.answer(large)


def test_a_crowd_is_refused(answerer, monkeypatch):
    monkeypatch.setattr(module, 'MAX_PERSONS', 1)
    crowd = PhotoAnswerer(
        answerer.model,
        lambda path, image: (np.array([[0, 0, 9, 9]] * 2), np.ones(2)),
    )
    with pytest.raises(UserError, match='2 persons'):
        crowd.answer(PHOTO)


def test_no_person_is_an_answer_too(answerer):
    empty = PhotoAnswerer(
        answerer.model, lambda path, image: (np.zeros((0, 4)), np.zeros(0))
    )
    found = empty.answer(PHOTO)
    assert len(found.poses) == 0
    np.testing.assert_array_equal(
        empty.picture(found), bring_to_size(FIGURE)[..., ::-1]
    )


def test_rows_give_the_verdict_by_the_threshold(answerer):
    found = answerer.answer(PHOTO)
    view = answerer.view(found, 0)
    view.visible = np.linspace(0, 1, 14)
    rows = answerer.rows(view)
    assert [row[0] for row in rows][-2:] == ['upper neck', 'head top']
    assert [row[1] for row in rows] == ['inferred'] * 7 + ['seen'] * 7
    assert [row[2] for row in rows][:2] == ['0 %', '8 %']
    assert rows[3][3:] == [
        f'{view.detector[3].max():.2f}',
        f'{view.refiner[3].max():.2f}',
    ]


@pytest.mark.parametrize(
    ('size', 'shown'),
    [((100, 50), (640, 320)), ((800, 600), (800, 600)), ((4000, 30), (1600, 12))],
)
def test_pictures_are_brought_to_size(size, shown):
    assert bring_to_size(np.zeros((*size, 3), np.uint8)).shape == (*shown, 3)


def test_the_corner_lies_where_it_was_clicked():
    shown = draw_corner(np.zeros((100, 50, 3), np.uint8), (25, 50))
    # (25, 50) of 50 x 100 px is the middle of 320 x 640.
    np.testing.assert_array_equal(shown[320, 160], [255, 200, 0])
    assert not shown[0, 0].any()


def test_links_hold_the_results(answerer):
    found = answerer.answer(PHOTO, (100.0, 20.0, 400.0, 460.0))
    picture = answerer.picture(found)
    contents = [
        base64.b64decode(data)
        for data in re.findall('base64,([^"]*)"', answerer.downloads(found, picture))
    ]
    poses = json.loads(contents[0])
    (person,) = poses['images'][0]['persons']
    assert person['box'] == [100, 20, 400, 460]
    np.testing.assert_allclose(
        person['keypoints'], found.poses.keypoints[0], atol=0.006
    )
    png = cv2.imdecode(np.frombuffer(contents[1], np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(png[..., ::-1], picture)


def test_the_panel_shows_the_chosen_joints(answerer):
    view = answerer.view(answerer.answer(PHOTO), 0)
    one, two = answerer.panel(view, [0]), answerer.panel(view, [0, 1])
    assert one.dtype == np.uint8
    assert two.shape[1] > one.shape[1]
    assert answerer.panel(view, []).shape[1] > two.shape[1]
