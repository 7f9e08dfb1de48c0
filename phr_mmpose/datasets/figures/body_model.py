"""Proportions of a body, its joint angles, and the joints in space that follow.

Lengths are in body heights. The axes of the world and of a body that stands
upright and faces the camera agree: x to the person's left, y up, z forward.
"""

import math
import random
from dataclasses import dataclass, field

import numpy as np

SIDES = ('left', 'right')
_SIGN = {'left': 1.0, 'right': -1.0}


@dataclass
class Proportions:
    """Lengths and thicknesses of one person, in body heights.

    The defaults are those of an adult of average build.
    """

    hip: float = 0.05
    spine: float = 0.287
    shoulder: float = 0.108
    neck: float = 0.062
    head: float = 0.128
    upper_arm: float = 0.172
    forearm: float = 0.146
    hand: float = 0.095
    thigh: float = 0.248
    shin: float = 0.238
    foot: float = 0.12
    girth: float = 1.0
    chest: float = 0.098
    waist: float = 0.08
    pelvis: float = 0.093


@dataclass
class ArmAngles:
    """Angles of an arm in degrees.

    Args:
        raise_ (float): Between hanging (0) and straight up (180).
        forward (float): Plane in which it is raised: sideways (0), to the front
            (90) or to the back (-90).
        twist (float): Of the upper arm about itself, outwards.
        elbow (float): Bend, 0 straight.
    """

    raise_: float = 10.0
    forward: float = 15.0
    twist: float = 0.0
    elbow: float = 12.0


@dataclass
class LegAngles:
    """Angles of a leg in degrees.

    Args:
        forward (float): Bend of the hip, thigh to the front.
        outward (float): Thigh to the side.
        twist (float): Of the thigh about itself, outwards.
        knee (float): Bend, 0 straight.
        toes (float): Bend of the ankle, toes down.
    """

    forward: float = 0.0
    outward: float = 4.0
    twist: float = 8.0
    knee: float = 4.0
    toes: float = 0.0


@dataclass
class Pose:
    """All angles of a body in degrees.

    Args:
        turn (float): Of the whole body: 0 faces the camera, 90 its own left.
        pitch (float): Whole body leans forward.
        roll (float): Whole body leans to its left.
        bend (float): Chest forward against the pelvis.
        sway (float): Chest to the left against the pelvis.
        wring (float): Chest turned left against the pelvis.
        nod (float): Head forward against the chest.
        tip (float): Head to the left.
        look (float): Head turned left.
        arms (dict): ``left`` and ``right`` :class:`ArmAngles`.
        legs (dict): ``left`` and ``right`` :class:`LegAngles`.
        airborne (float): Height of the lower foot over the ground.
        seated (bool): Sits on something.
    """

    turn: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    bend: float = 3.0
    sway: float = 0.0
    wring: float = 0.0
    nod: float = 3.0
    tip: float = 0.0
    look: float = 0.0
    arms: dict = field(default_factory=lambda: {s: ArmAngles() for s in SIDES})
    legs: dict = field(default_factory=lambda: {s: LegAngles() for s in SIDES})
    airborne: float = 0.0
    seated: bool = False


@dataclass
class Skeleton:
    """Points and frames of a posed body.

    Args:
        points (dict): Name to point (3,), in body heights; MPII's joints and
            ``left_fingers``, ``left_toes``, ``left_heel`` with their right twins,
            ``waist`` and ``head`` (middle of the skull).
        frames (dict): Name of a segment to a rotation (3, 3) whose columns are
            the segment's side (left), up and front.
    """

    points: dict
    frames: dict


def sample_proportions(rng: random.Random) -> Proportions:
    """Draw a person: tall or short limbs, broad or slim, big or small head.

    Args:
        rng (random.Random): Source of chance.

    Returns:
        Proportions: Lengths around those of adults.
    """

    def about(value: float, spread: float) -> float:
        return value * (1 + spread * max(-2.0, min(2.0, rng.gauss(0, 1))))

    base = Proportions()
    legs, arms, girth = about(1, 0.035), about(1, 0.04), about(1, 0.1)
    broad = about(1, 0.06)
    return Proportions(
        hip=about(base.hip, 0.06),
        spine=about(base.spine, 0.03),
        shoulder=base.shoulder * broad * (0.5 + 0.5 * girth),
        neck=about(base.neck, 0.08),
        head=about(base.head, 0.06),
        upper_arm=about(base.upper_arm * arms, 0.02),
        forearm=about(base.forearm * arms, 0.02),
        hand=about(base.hand, 0.05),
        thigh=about(base.thigh * legs, 0.02),
        shin=about(base.shin * legs, 0.02),
        foot=about(base.foot, 0.05),
        girth=girth,
        chest=base.chest * broad * girth**0.8,
        waist=about(base.waist, 0.08) * girth**1.2,
        pelvis=about(base.pelvis, 0.05) * girth,
    )


def _about_side(degrees: float) -> np.ndarray:
    """Rotation about the axis to the left: up tips forward."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])


def _about_up(degrees: float) -> np.ndarray:
    """Rotation about the axis up: front turns left."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])


def _about_front(degrees: float) -> np.ndarray:
    """Rotation about the axis to the front: down swings left."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def pose_skeleton(body: Proportions, pose: Pose) -> Skeleton:
    """Forward kinematics from the pelvis out.

    Args:
        body (Proportions): The person.
        pose (Pose): The angles.

    Returns:
        Skeleton: In the world's axes, with the pelvis at the origin.
    """
    pelvis = _about_up(pose.turn) @ _about_side(pose.pitch) @ _about_front(-pose.roll)
    # The spine bends twice, so that a bow is round.
    half = (
        _about_up(pose.wring / 2)
        @ _about_side(pose.bend / 2)
        @ _about_front(-pose.sway / 2)
    )
    middle = pelvis @ half
    chest = middle @ half
    head = (
        chest @ _about_up(pose.look) @ _about_side(pose.nod) @ _about_front(-pose.tip)
    )
    frames = {'pelvis': pelvis, 'middle': middle, 'chest': chest, 'head': head}

    origin = np.zeros(3)
    waist = origin + pelvis[:, 1] * (0.35 * body.spine)
    thorax = (
        waist + middle[:, 1] * (0.3 * body.spine) + chest[:, 1] * (0.35 * body.spine)
    )
    neck_frame = chest @ _about_side(0.5 * pose.nod + 8)
    upper_neck = thorax + neck_frame[:, 1] * body.neck
    points = {
        'pelvis': origin,
        'waist': waist,
        'thorax': thorax,
        'upper_neck': upper_neck,
        'head': upper_neck + head[:, 1] * (0.47 * body.head) + head[:, 2] * 0.012,
        # A little within the skull, so that its pixel always belongs to the head.
        'head_top': upper_neck + head[:, 1] * (0.94 * body.head) + head[:, 2] * 0.01,
    }
    for side in SIDES:
        _pose_arm(side, body, pose.arms[side], chest, points, frames)
        _pose_leg(side, body, pose.legs[side], pelvis, points, frames)
    return Skeleton(points, frames)


def _pose_arm(
    side: str,
    body: Proportions,
    angles: ArmAngles,
    chest: np.ndarray,
    points: dict,
    frames: dict,
) -> None:
    sign = _SIGN[side]
    swing = _about_up(-sign * angles.forward)
    upper = chest @ swing @ _about_front(sign * angles.raise_) @ swing.T
    upper = upper @ _about_up(sign * angles.twist)
    lower = upper @ _about_side(-angles.elbow)
    # A raised arm lifts its shoulder.
    lift = 0.022 * max(0.0, (angles.raise_ - 60) / 120)
    shoulder = points['thorax'] + chest[:, 0] * (sign * body.shoulder)
    shoulder = shoulder + chest[:, 1] * (lift - 0.012)
    elbow = shoulder - upper[:, 1] * body.upper_arm
    wrist = elbow - lower[:, 1] * body.forearm
    points[f'{side}_shoulder'] = shoulder
    points[f'{side}_elbow'] = elbow
    points[f'{side}_wrist'] = wrist
    points[f'{side}_fingers'] = wrist - lower[:, 1] * body.hand
    frames[f'{side}_upper_arm'] = upper
    frames[f'{side}_forearm'] = lower


def _pose_leg(
    side: str,
    body: Proportions,
    angles: LegAngles,
    pelvis: np.ndarray,
    points: dict,
    frames: dict,
) -> None:
    sign = _SIGN[side]
    upper = (
        pelvis
        @ _about_front(sign * angles.outward)
        @ _about_side(-angles.forward)
        @ _about_up(sign * angles.twist)
    )
    lower = upper @ _about_side(angles.knee)
    foot = lower @ _about_side(angles.toes)
    hip = points['pelvis'] + pelvis[:, 0] * (sign * body.hip)
    knee = hip - upper[:, 1] * body.thigh
    ankle = knee - lower[:, 1] * body.shin
    sole = ankle - foot[:, 1] * 0.026
    points[f'{side}_hip'] = hip
    points[f'{side}_knee'] = knee
    points[f'{side}_ankle'] = ankle
    points[f'{side}_heel'] = sole - foot[:, 2] * 0.018
    points[f'{side}_toes'] = sole + foot[:, 2] * (body.foot - 0.03)
    frames[f'{side}_thigh'] = upper
    frames[f'{side}_shin'] = lower
    frames[f'{side}_foot'] = foot
