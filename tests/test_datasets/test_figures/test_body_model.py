"""Forward kinematics: directions by hand, bones of constant length."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr_mmpose.datasets.figures.body_model import (
    SIDES,
    ArmAngles,
    LegAngles,
    Pose,
    Proportions,
    pose_skeleton,
    sample_proportions,
)
from phr_mmpose.datasets.figures.poses import ACTIVITIES, sample_pose

STRAIGHT_ARMS = {side: ArmAngles(0, 0, 0, 0) for side in SIDES}
STRAIGHT_LEGS = {side: LegAngles(0, 0, 0, 0) for side in SIDES}


def upright(**changes) -> Pose:
    pose = Pose(bend=0, nod=0, arms=dict(STRAIGHT_ARMS), legs=dict(STRAIGHT_LEGS))
    for name, value in changes.items():
        setattr(pose, name, value)
    return pose


def points(pose: Pose) -> dict[str, np.ndarray]:
    return pose_skeleton(Proportions(), pose).points


def along(place: dict, start: str, end: str) -> np.ndarray:
    bone = place[end] - place[start]
    return bone / np.linalg.norm(bone)


def test_upright_body_hangs_straight():
    place, body = points(upright()), Proportions()
    assert place['left_hip'] == pytest.approx([body.hip, 0, 0])
    assert place['right_ankle'] == pytest.approx(
        [-body.hip, -body.thigh - body.shin, 0]
    )
    assert place['thorax'] == pytest.approx([0, body.spine, 0])
    assert along(place, 'left_shoulder', 'left_wrist') == pytest.approx([0, -1, 0])
    # From sole to crown it is one body height.
    height = place['head_top'][1] - place['left_heel'][1] + 0.026
    assert height == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize('side, sign', [('left', 1), ('right', -1)])
def test_arms_go_where_the_angles_say(side, sign):
    def direction(*angles: float, bone: tuple[str, str] = ('shoulder', 'elbow')):
        arms = dict(STRAIGHT_ARMS)
        arms[side] = ArmAngles(*angles)
        return along(points(upright(arms=arms)), *(f'{side}_{end}' for end in bone))

    assert direction(90, 0, 0, 0) == pytest.approx([sign, 0, 0], abs=1e-9)
    assert direction(90, 90, 0, 0) == pytest.approx([0, 0, 1], abs=1e-9)
    assert direction(180, 0, 0, 0) == pytest.approx([0, 1, 0], abs=1e-9)
    forearm = ('elbow', 'wrist')
    # A bent elbow brings the hand forward; turned outwards, up.
    assert direction(0, 0, 0, 90, bone=forearm) == pytest.approx([0, 0, 1], abs=1e-9)
    assert direction(90, 0, 90, 90, bone=forearm) == pytest.approx([0, 1, 0], abs=1e-9)


@pytest.mark.parametrize('side, sign', [('left', 1), ('right', -1)])
def test_legs_go_where_the_angles_say(side, sign):
    def direction(*angles: float, bone: tuple[str, str] = ('hip', 'knee')):
        legs = dict(STRAIGHT_LEGS)
        legs[side] = LegAngles(*angles)
        return along(points(upright(legs=legs)), *(f'{side}_{end}' for end in bone))

    assert direction(90, 0, 0, 0) == pytest.approx([0, 0, 1], abs=1e-9)
    assert direction(0, 90, 0, 0) == pytest.approx([sign, 0, 0], abs=1e-9)
    shin = ('knee', 'ankle')
    assert direction(0, 0, 0, 90, bone=shin) == pytest.approx([0, 0, -1], abs=1e-9)
    assert direction(90, 0, 0, 90, bone=shin) == pytest.approx([0, -1, 0], abs=1e-9)
    toes = direction(0, 0, 30, 0, bone=('heel', 'toes'))
    assert toes[0] * sign > 0.4 and toes[2] > 0.8


def test_turning_round_swaps_left_and_right():
    place = points(upright(turn=180))
    assert place['left_hip'][0] < 0 < place['right_hip'][0]


def test_bending_and_nodding_go_forward():
    place = points(upright(bend=40, nod=20))
    assert place['thorax'][2] > 0.05
    neck, head = place['upper_neck'], place['head_top']
    assert (head - neck)[2] > (neck - place['thorax'])[2]


@given(st.integers(0, 2**40))
def test_bones_keep_their_length(seed):
    rng = random.Random(seed)
    body = sample_proportions(rng)
    name, pose = sample_pose(rng)
    place = pose_skeleton(body, pose).points
    assert name in ACTIVITIES
    for side in SIDES:
        for start, end, length in (
            ('hip', 'knee', body.thigh),
            ('knee', 'ankle', body.shin),
            ('shoulder', 'elbow', body.upper_arm),
            ('elbow', 'wrist', body.forearm),
        ):
            bone = place[f'{side}_{end}'] - place[f'{side}_{start}']
            assert np.linalg.norm(bone) == pytest.approx(length)
    assert np.linalg.norm(place['left_hip'] - place['right_hip']) == pytest.approx(
        2 * body.hip
    )
    for length in vars(body).values():
        assert length > 0.02


def test_activities_all_occur_and_most_people_face_the_camera():
    rng = random.Random(5)
    drawn = [sample_pose(rng) for _ in range(3000)]
    assert {name for name, _ in drawn} == set(ACTIVITIES)
    turns = np.array([pose.turn for _, pose in drawn])
    assert 0.15 < (turns > 90).mean() < 0.23
    assert (np.abs(turns) <= 60).mean() > 0.7
    assert not any(pose.seated and pose.turn > 90 for _, pose in drawn)


@pytest.mark.parametrize(('share', 'expected'), [(0.0, 0.0), (1.0, 1.0)])
def test_back_views_decide_who_turns(share: float, expected: float) -> None:
    rng = random.Random(0)
    poses = [sample_pose(rng, share)[1] for _ in range(200)]
    turned = [abs(pose.turn) > 90 for pose in poses if not pose.seated]
    assert sum(turned) / len(turned) == expected
