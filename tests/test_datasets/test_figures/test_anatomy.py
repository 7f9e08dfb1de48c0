"""Exact visibility on poses where the answer is known."""

import random

import numpy as np
import pytest

from phr_mmpose.datasets.figures.anatomy import NEAR, Person, build_person
from phr_mmpose.datasets.figures.body_model import (
    SIDES,
    ArmAngles,
    Pose,
    Proportions,
    pose_skeleton,
)
from phr_mmpose.datasets.figures.camera import Camera
from phr_mmpose.datasets.figures.outfit import TILE, TILES, sample_outfit
from phr_mmpose.datasets.figures.solids import NO_SOLID, draw_solids
from phr_mmpose.datasets.joints import MPII_JOINTS

SIZE = 400
LIGHT = np.array([0, -0.6, -0.8], np.float32)


def show(pose: Pose, seed: int = 0) -> tuple[Person, dict[str, bool], object]:
    outfit = sample_outfit(random.Random(seed))
    camera = Camera(distance=5, tilt=0, scale=0.7 * SIZE, offset=(SIZE / 2, SIZE / 2))
    body = Proportions()
    person = build_person(pose_skeleton(body, pose), body, outfit, camera)
    drawing = draw_solids(person.solids, outfit.atlas, TILE, (SIZE, SIZE), LIGHT)
    shown = person.surface_shows_joint(drawing.solid, drawing.depth, drawing.box[:2])
    return person, dict(zip(MPII_JOINTS, shown.tolist(), strict=True)), drawing


def spread_arms(**changes) -> Pose:
    arms = {side: ArmAngles(90, 0, 0, 0) for side in SIDES}
    return Pose(arms=arms, **changes)


@pytest.mark.parametrize('seed', range(8))
@pytest.mark.parametrize('turn', [0, 25, -25])
def test_nothing_hides_a_joint_of_spread_arms(turn, seed):
    _, shown, _ = show(spread_arms(turn=turn), seed)
    assert all(shown.values()), shown


@pytest.mark.parametrize('seed', range(8))
def test_limbs_show_from_behind(seed):
    _, shown, _ = show(spread_arms(turn=180), seed)
    # Long hair may cover the thorax.
    assert all(value for name, value in shown.items() if name != 'thorax'), shown


def test_left_is_on_the_right_of_a_person_who_faces_the_camera():
    for turn, sign in ((0, 1), (180, -1)):
        person, _, _ = show(spread_arms(turn=turn))
        x = dict(zip(MPII_JOINTS, person.joints[:, 0], strict=True))
        for joint in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle'):
            assert sign * (x[f'left_{joint}'] - x[f'right_{joint}']) > 0
        assert x['left_wrist'] == pytest.approx(SIZE - x['right_wrist'], abs=1e-6)


@pytest.mark.parametrize(
    'turn, far, near', [(90, 'right', 'left'), (-90, 'left', 'right')]
)
def test_the_far_side_is_hidden_by_the_own_body(turn, far, near):
    # Turned to the own left the person shows the right side.
    far, near = near, far
    _, shown, _ = show(Pose(turn=turn))
    assert shown[f'{near}_shoulder'] and shown[f'{near}_knee']
    assert not shown[f'{far}_shoulder']
    assert not shown[f'{far}_hip']


def test_hands_behind_the_back_are_hidden():
    arms = {side: ArmAngles(38, -78, -70, 75) for side in SIDES}
    _, shown, _ = show(Pose(arms=arms))
    assert not shown['left_wrist'] and not shown['right_wrist']
    assert shown['left_shoulder'] and shown['right_shoulder']
    _, shown, _ = show(Pose(arms=arms, turn=180))
    assert shown['left_wrist'] and shown['right_wrist']


def test_a_hand_before_the_face_hides_it():
    arms = {'left': ArmAngles(), 'right': ArmAngles(80, 62, 10, 118)}
    person, shown, drawing = show(Pose(arms=arms))
    place = person.joints[MPII_JOINTS.index('upper_neck')]
    column = round(place[0]) - drawing.box[0]
    row = round(place[1]) - drawing.box[1]
    part = person.parts[drawing.solid[row, column]]
    assert shown['upper_neck'] is (part in ('head', 'neck', 'trunk'))


def test_the_rule_pixel_by_pixel():
    person, _, _ = show(spread_arms())
    knee = MPII_JOINTS.index('left_knee')
    x, y = np.rint(person.joints[knee, :2]).astype(int)
    depth = person.joints[knee, 2]

    def shows(part: str | None, before: float) -> bool:
        solid = np.full((SIZE, SIZE), NO_SOLID, np.uint8)
        if part:
            solid[y, x] = person.parts.index(part)
        surface = np.full((SIZE, SIZE), depth - before * person.height)
        return bool(person.surface_shows_joint(solid, surface, (0, 0))[knee])

    assert shows('left_thigh', 0.03) and shows('left_shin', 0.03)
    assert not shows('right_shin', 0.03)
    assert not shows('left_thigh', NEAR + 0.01)
    assert not shows(None, 0.03)
    outside = np.zeros((4, 4), np.uint8)
    assert not person.surface_shows_joint(outside, outside, (0, 0)).any()


def test_the_head_box_reaches_from_chin_to_crown():
    person, _, drawing = show(Pose(bend=0, nod=0))
    x1, y1, x2, y2 = person.head_box
    top = person.joints[MPII_JOINTS.index('head_top')]
    neck = person.joints[MPII_JOINTS.index('upper_neck')]
    assert x1 < top[0] < x2
    assert y1 < top[1] < y1 + 0.1 * (y2 - y1)
    assert abs(y2 - neck[1]) < 0.2 * (y2 - y1)
    assert y2 - y1 == pytest.approx(0.132 * person.height, rel=0.05)
    assert drawing.box[1] <= y1 + 2


def test_an_outfit_fills_its_atlas():
    styles = {sample_outfit(random.Random(seed)).hair for seed in range(60)}
    assert styles == {'bald', 'short', 'long', 'tail', 'bun', 'cap'}
    atlas = sample_outfit(random.Random(3)).atlas
    assert atlas.shape == (len(TILES) * TILE[0], 2 * TILE[1], 4)
    assert atlas.dtype == np.uint8
