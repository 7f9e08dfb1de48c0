"""What people do, as distributions of joint angles.

Each activity gives a mean pose with one *leading* side, which chance assigns to
left or right; all angles then vary about the mean within the joints' limits.
"""

import random
from collections.abc import Callable

from phr_mmpose.datasets.figures.body_model import SIDES, ArmAngles, LegAngles, Pose

Activity = Callable[[random.Random, str, str], Pose]


def _both(kind: type, *angles: float) -> dict:
    return {side: kind(*angles) for side in SIDES}


def _stand(rng: random.Random, lead: str, other: str) -> Pose:
    pose = Pose(sway=rng.uniform(-5, 5))
    pose.arms = _both(ArmAngles, 12, 20, 0, 15)
    pose.legs = {lead: LegAngles(2, 5, 10, 3), other: LegAngles(5, 6, 14, 10)}
    return pose


def _wide_stand(rng: random.Random, lead: str, other: str) -> Pose:
    pose = Pose()
    pose.arms = _both(ArmAngles, rng.uniform(20, 60), 10, 0, 15)
    pose.legs = _both(LegAngles, 3, rng.uniform(10, 22), 12, 4)
    return pose


def _walk(rng: random.Random, lead: str, other: str) -> Pose:
    stride = rng.uniform(0.6, 1.2)
    pose = Pose(pitch=3, wring=0)
    pose.arms = {
        lead: ArmAngles(24 * stride, -75, 0, 15),
        other: ArmAngles(28 * stride, 80, 0, 28),
    }
    pose.legs = {
        lead: LegAngles(26 * stride, 2, 6, 8),
        other: LegAngles(-18 * stride, 2, 6, 22 * stride, 8),
    }
    return pose


def _run(rng: random.Random, lead: str, other: str) -> Pose:
    pose = Pose(pitch=8, bend=6, airborne=rng.uniform(0, 0.04))
    pose.arms = {
        lead: ArmAngles(42, -60, 0, 85),
        other: ArmAngles(48, 75, 0, 85),
    }
    pose.legs = {
        lead: LegAngles(58, 3, 3, 75),
        other: LegAngles(-14, 3, 3, 62, 15),
    }
    return pose


def _jump(rng: random.Random, lead: str, other: str) -> Pose:
    pose = Pose(airborne=rng.uniform(0.05, 0.15))
    pose.arms = _both(ArmAngles, rng.uniform(90, 160), rng.uniform(0, 50), 10, 20)
    pose.legs = {
        lead: LegAngles(rng.uniform(5, 50), 12, 8, rng.uniform(15, 80), 18),
        other: LegAngles(rng.uniform(-20, 30), 12, 8, rng.uniform(15, 80), 18),
    }
    return pose


def _star(rng: random.Random, lead: str, other: str) -> Pose:
    pose = Pose(airborne=rng.uniform(0, 0.1))
    pose.arms = _both(ArmAngles, rng.uniform(100, 150), 5, 0, 10)
    pose.legs = _both(LegAngles, 4, rng.uniform(18, 34), 10, 8, 12)
    return pose


def _sit(rng: random.Random, lead: str, other: str) -> Pose:
    pose = Pose(pitch=-4, bend=rng.uniform(0, 22), seated=True)
    pose.arms = _both(ArmAngles, 32, 65, -10, 55)
    pose.legs = _both(LegAngles, 82, rng.uniform(4, 18), 5, 85)
    return pose


def _arms_up(rng: random.Random, lead: str, other: str) -> Pose:
    pose = Pose(bend=-2)
    pose.arms = _both(ArmAngles, rng.uniform(140, 172), 20, 0, 18)
    pose.legs = _both(LegAngles, 3, rng.uniform(3, 14), 8, 4)
    return pose


def _wave(rng: random.Random, lead: str, other: str) -> Pose:
    pose = _stand(rng, lead, other)
    pose.arms[lead] = ArmAngles(rng.uniform(75, 120), 10, 80, rng.uniform(40, 100))
    return pose


def _spread_arms(rng: random.Random, lead: str, other: str) -> Pose:
    pose = _stand(rng, lead, other)
    pose.arms = _both(ArmAngles, rng.uniform(70, 100), 8, 0, 8)
    return pose


def _goalpost(rng: random.Random, lead: str, other: str) -> Pose:
    pose = _stand(rng, lead, other)
    pose.arms = _both(ArmAngles, rng.uniform(70, 100), 5, 75, 90)
    return pose


def _hands_on_hips(rng: random.Random, lead: str, other: str) -> Pose:
    pose = _stand(rng, lead, other)
    pose.arms[lead] = ArmAngles(46, -12, -75, 100)
    if rng.random() < 0.6:
        pose.arms[other] = ArmAngles(46, -12, -75, 100)
    return pose


def _reach(rng: random.Random, lead: str, other: str) -> Pose:
    pose = _stand(rng, lead, other)
    pose.arms[lead] = ArmAngles(rng.uniform(60, 120), rng.uniform(30, 80), 0, 15)
    return pose


def _think(rng: random.Random, lead: str, other: str) -> Pose:
    pose = _stand(rng, lead, other)
    pose.arms[lead] = ArmAngles(35, 60, -35, 125)
    pose.arms[other] = ArmAngles(22, 45, -60, 85)
    return pose


def _kick(rng: random.Random, lead: str, other: str) -> Pose:
    pose = Pose(pitch=-8, bend=4)
    pose.arms = _both(ArmAngles, rng.uniform(35, 80), 10, 0, 25)
    pose.legs = {
        lead: LegAngles(rng.uniform(40, 85), 8, 5, rng.uniform(0, 35), 15),
        other: LegAngles(0, 4, 12, 12),
    }
    return pose


def _squat(rng: random.Random, lead: str, other: str) -> Pose:
    pose = Pose(pitch=14, bend=14, nod=-12)
    pose.arms = _both(ArmAngles, 75, 75, 0, 25)
    pose.legs = _both(LegAngles, rng.uniform(60, 95), 16, 14, rng.uniform(75, 110))
    return pose


def _lunge(rng: random.Random, lead: str, other: str) -> Pose:
    pose = Pose(pitch=2)
    pose.arms = _both(ArmAngles, rng.uniform(20, 90), 10, 0, 25)
    pose.legs = {
        lead: LegAngles(62, 6, 5, 66),
        other: LegAngles(-28, 4, 5, 28, 12),
    }
    return pose


def _bow(rng: random.Random, lead: str, other: str) -> Pose:
    pose = Pose(pitch=rng.uniform(12, 30), bend=rng.uniform(15, 40), nod=-8)
    pose.arms = _both(ArmAngles, rng.uniform(30, 70), 70, 0, 18)
    lean = pose.pitch
    pose.legs = {
        lead: LegAngles(lean + 6, 6, 8, 10),
        other: LegAngles(lean - 2, 6, 8, 6),
    }
    return pose


def _dance(rng: random.Random, lead: str, other: str) -> Pose:
    pose = Pose(sway=rng.uniform(-14, 14), roll=rng.uniform(-8, 8))
    pose.arms = {
        side: ArmAngles(
            rng.uniform(15, 165),
            rng.uniform(-20, 80),
            rng.uniform(-50, 70),
            rng.uniform(5, 100),
        )
        for side in SIDES
    }
    pose.legs = {
        lead: LegAngles(rng.uniform(0, 60), rng.uniform(4, 25), 14, rng.uniform(5, 90)),
        other: LegAngles(rng.uniform(-15, 15), rng.uniform(2, 12), 12, 12),
    }
    return pose


ACTIVITIES: dict[str, tuple[Activity, float]] = {
    'stand': (_stand, 2.0),
    'wide_stand': (_wide_stand, 1.2),
    'walk': (_walk, 2.2),
    'run': (_run, 1.4),
    'jump': (_jump, 1.0),
    'star': (_star, 0.8),
    'sit': (_sit, 0.9),
    'arms_up': (_arms_up, 1.2),
    'wave': (_wave, 1.2),
    'spread_arms': (_spread_arms, 1.0),
    'goalpost': (_goalpost, 0.6),
    'hands_on_hips': (_hands_on_hips, 1.0),
    'reach': (_reach, 1.2),
    'think': (_think, 0.5),
    'kick': (_kick, 0.9),
    'squat': (_squat, 0.5),
    'lunge': (_lunge, 0.7),
    'bow': (_bow, 0.3),
    'dance': (_dance, 2.0),
}
"""dict: Name to the activity's mean pose and how often it occurs (relative)."""

_NAMES = tuple(ACTIVITIES)
_WEIGHTS = tuple(weight for _, weight in ACTIVITIES.values())


def _vary(
    rng: random.Random, mean: float, spread: float, low: float, high: float
) -> float:
    return max(low, min(high, rng.gauss(mean, spread)))


def sample_pose(rng: random.Random, back_views: float = 0.2) -> tuple[str, Pose]:
    """Draw an activity and a pose of it, within the joints' limits.

    Most people face the camera within 60 degrees.

    Args:
        rng (random.Random): Source of chance.
        back_views (float): Share of people with their back turned, among those who do
            not sit, in [0, 1]. It changes nothing but the turn. Defaults to 0.2.

    Returns:
        tuple[str, Pose]: The activity's name, a key of :data:`ACTIVITIES`, and
        the pose.
    """
    name = rng.choices(_NAMES, _WEIGHTS)[0]
    lead, other = rng.sample(SIDES, 2)
    pose = ACTIVITIES[name][0](rng, lead, other)
    pose.pitch = _vary(rng, pose.pitch, 2.5, -25, 45)
    pose.roll = _vary(rng, pose.roll, 3, -20, 20)
    pose.bend = _vary(rng, pose.bend, 4, -15, 60)
    pose.sway = _vary(rng, pose.sway, 4, -25, 25)
    pose.wring = _vary(rng, pose.wring, 8, -35, 35)
    pose.nod = _vary(rng, pose.nod, 7, -25, 35)
    pose.tip = _vary(rng, pose.tip, 6, -25, 25)
    pose.look = _vary(rng, pose.look, 18, -60, 60)
    for arm in pose.arms.values():
        arm.raise_ = _vary(rng, arm.raise_, 8, 4, 175)
        arm.forward = _vary(rng, arm.forward, 12, -80, 100)
        arm.twist = _vary(rng, arm.twist, 15, -85, 90)
        arm.elbow = _vary(rng, arm.elbow, 10, 0, 145)
    for leg in pose.legs.values():
        leg.forward = _vary(rng, leg.forward, 5, -35, 110)
        leg.outward = _vary(rng, leg.outward, 3, -4, 42)
        leg.twist = _vary(rng, leg.twist, 6, -15, 40)
        leg.knee = _vary(rng, leg.knee, 5, 0, 140)
        leg.toes = _vary(rng, leg.toes, 5, -15, 45)
    # The seat is drawn behind the person, which is right only from the front.
    if rng.random() < back_views and not pose.seated:
        pose.turn = 180 + _vary(rng, 0, 22, -50, 50)
    else:
        pose.turn = _vary(rng, 0, 30, -70, 70)
    return name, pose
