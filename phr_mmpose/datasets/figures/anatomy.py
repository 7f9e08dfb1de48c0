"""The solids that make up a person, and which of them meet at each joint."""

from dataclasses import dataclass

import numpy as np

from phr_mmpose.datasets.figures.body_model import SIDES, Proportions, Skeleton
from phr_mmpose.datasets.figures.camera import Camera
from phr_mmpose.datasets.figures.outfit import Outfit
from phr_mmpose.datasets.figures.solids import NO_SOLID, Solids
from phr_mmpose.datasets.joints import MPII_JOINTS


def _meeting() -> dict[str, set[str]]:
    trunk = {
        'pelvis': {'trunk', 'skirt', 'left_thigh', 'right_thigh'},
        'thorax': {'trunk', 'neck'},
        'upper_neck': {'trunk', 'neck', 'head'},
        'head_top': {'head'},
    }
    for side in SIDES:
        thigh, shin = f'{side}_thigh', f'{side}_shin'
        upper, lower = f'{side}_upper_arm', f'{side}_forearm'
        trunk[f'{side}_hip'] = {'trunk', 'skirt', thigh}
        trunk[f'{side}_knee'] = {thigh, shin, 'skirt'}
        trunk[f'{side}_ankle'] = {shin, f'{side}_foot'}
        trunk[f'{side}_shoulder'] = {'trunk', upper}
        trunk[f'{side}_elbow'] = {upper, lower}
        trunk[f'{side}_wrist'] = {lower, f'{side}_hand'}
    return trunk


PARTS_AT_JOINT = _meeting()
"""dict[str, set[str]]: For each joint the parts of the body that meet there,
with the clothes on them."""

NEAR = 0.1
"""float: A surface farther in front of a joint than this (body heights) hides
it, even if it belongs to a part that meets there: the far shoulder of a
person seen from the side lies behind the trunk."""


@dataclass
class Person:
    """A person ready to be drawn.

    Args:
        solids (Solids): In pixels of the drawing.
        parts (list[str]): For each solid the part of the body it belongs to.
        joints (np.ndarray): Shape (16, 3), x, y and depth in pixels of the
            drawing, MPII's order.
        head_box (np.ndarray): Shape (4,), x1, y1, x2, y2 of the head from chin
            to crown in pixels of the drawing, without hair.
        height (float): Body height in pixels of the drawing at the pelvis.
    """

    solids: Solids
    parts: list[str]
    joints: np.ndarray
    head_box: np.ndarray
    height: float

    def surface_shows_joint(
        self, solid: np.ndarray, depth: np.ndarray, origin: tuple[int, int]
    ) -> np.ndarray:
        """Whether each joint lies under the surface of a part that meets there.

        Args:
            solid (np.ndarray): Shape (h, w) uint8, the nearest solid at each
                pixel, ``NO_SOLID`` elsewhere.
            depth (np.ndarray): Shape (h, w), depth of that surface.
            origin (tuple[int, int]): Pixel of the drawing at the maps' corner.

        Returns:
            np.ndarray: Shape (16,) bool.
        """
        shown = np.zeros(len(MPII_JOINTS), bool)
        for index, name in enumerate(MPII_JOINTS):
            x = round(self.joints[index, 0]) - origin[0]
            y = round(self.joints[index, 1]) - origin[1]
            if not (0 <= x < solid.shape[1] and 0 <= y < solid.shape[0]):
                continue
            nearest = solid[y, x]
            if nearest == NO_SOLID or self.parts[nearest] not in PARTS_AT_JOINT[name]:
                continue
            shown[index] = self.joints[index, 2] - depth[y, x] <= NEAR * self.height
        return shown


class _Builder:
    """Collects solids given in the world's units."""

    def __init__(self, skeleton: Skeleton, camera: Camera) -> None:
        self.points, self.frames = skeleton.points, skeleton.frames
        self.camera = camera
        self.entries: list[tuple] = []
        self.parts: list[str] = []

    def add(
        self,
        part: str,
        start: np.ndarray,
        end: np.ndarray,
        radii: tuple[float, float],
        frame: np.ndarray,
        tile: str,
        **options,
    ) -> None:
        self.parts.append(part)
        self.entries.append((start, end, radii, frame, tile, options))

    def build(self) -> Solids:
        ends = np.array([entry[:2] for entry in self.entries])
        projected, scale = self.camera.project(ends.reshape(-1, 3))
        projected = projected.reshape(-1, 2, 3)
        scale = scale.reshape(-1, 2)
        frames = self.camera.rotation @ np.array([entry[3] for entry in self.entries])
        solids = Solids()
        for index, (_, _, radii, _, tile, options) in enumerate(self.entries):
            bulge = options.pop('bulge', 0.0) * scale[index].mean()
            solids.add(
                projected[index, 0],
                projected[index, 1],
                (radii[0] * scale[index, 0], radii[1] * scale[index, 1]),
                frames[index],
                Outfit.tile(tile),
                bulge=bulge,
                **options,
            )
        return solids


def build_person(
    skeleton: Skeleton, body: Proportions, outfit: Outfit, camera: Camera
) -> Person:
    """Clothe a skeleton with solids and project it.

    Args:
        skeleton (Skeleton): Joints in space.
        body (Proportions): Lengths and thicknesses.
        outfit (Outfit): Clothes and hair.
        camera (Camera): The view; its scale in pixels of the drawing.

    Returns:
        Person: Solids, joints and head box in pixels of the drawing.
    """
    builder = _Builder(skeleton, camera)
    _add_trunk(builder, body, outfit)
    _add_head(builder, body, outfit)
    for side in SIDES:
        _add_arm(builder, side, body, outfit)
        _add_leg(builder, side, body, outfit)
    joints, scale = camera.project(
        np.array([skeleton.points[name] for name in MPII_JOINTS])
    )
    return Person(
        solids=builder.build(),
        parts=builder.parts,
        joints=joints,
        head_box=_head_box(skeleton, body, camera),
        height=float(scale[MPII_JOINTS.index('pelvis')]),
    )


def _add_trunk(builder: _Builder, body: Proportions, outfit: Outfit) -> None:
    points, frames = builder.points, builder.frames
    pelvis, chest = frames['pelvis'], frames['chest']
    loose = outfit.loose
    waist = points['waist']
    breast = points['thorax'] - chest[:, 1] * 0.075
    builder.add(
        'trunk',
        waist - chest[:, 1] * 0.01,
        breast,
        (body.waist + loose, body.chest + loose),
        chest,
        'torso',
        flat=0.62,
        two_faced=True,
    )
    builder.add(
        'trunk',
        points['pelvis'] + pelvis[:, 1] * 0.028,
        waist,
        (body.pelvis + loose, body.waist + loose),
        pelvis,
        'pelvis',
        flat=0.68,
        two_faced=True,
    )
    # The yoke's "side" is up, so that its collar lies on its upper edge.
    yoke = np.stack([chest[:, 1], chest[:, 0], chest[:, 2]], axis=1)
    builder.add(
        'trunk',
        points['left_shoulder'] - chest[:, 1] * 0.004,
        points['right_shoulder'] - chest[:, 1] * 0.004,
        (0.036 * body.girth + loose, 0.036 * body.girth + loose),
        yoke,
        'yoke',
        bulge=0.012,
        two_faced=True,
    )
    base = points['thorax'] + chest[:, 1] * 0.012
    for side in SIDES:
        builder.add(
            'trunk',
            base + (points[f'{side}_shoulder'] - base) * 0.12,
            points[f'{side}_shoulder'],
            (0.033, 0.034 * body.girth + loose),
            chest,
            'sleeve' if outfit.sleeves != 'none' else 'torso',
        )
    builder.add(
        'neck',
        points['thorax'] - chest[:, 1] * 0.01,
        points['upper_neck'] + chest[:, 1] * 0.015,
        (0.034, 0.03),
        chest,
        'skin',
    )
    if 'skirt' in outfit.legs:
        _add_skirt(builder, body, outfit)


def _add_skirt(builder: _Builder, body: Proportions, outfit: Outfit) -> None:
    points, pelvis = builder.points, builder.frames['pelvis']
    reach = 0.75 if outfit.legs == 'skirt' else 1.25
    knees = [
        points[f'{side}_hip'] + reach * (points[f'{side}_knee'] - points[f'{side}_hip'])
        for side in SIDES
    ]
    spread = float(np.linalg.norm(knees[0] - knees[1])) / 2
    builder.add(
        'skirt',
        points['pelvis'] + pelvis[:, 1] * 0.05,
        (knees[0] + knees[1]) / 2,
        (body.pelvis + 0.006, min(0.2, max(0.11, spread + 0.055))),
        pelvis,
        'skirt',
        flat=0.75,
        open_ended=True,
    )


def _add_head(builder: _Builder, body: Proportions, outfit: Outfit) -> None:
    frame = builder.frames['head']
    side, up, front = frame.T
    centre = builder.points['head']
    size = body.head / 0.128
    crown = centre + up * (0.012 * size)
    chin = centre - up * (0.035 * size) + front * (0.01 * size)
    builder.add(
        'head',
        chin,
        crown,
        (0.037 * size, 0.0535 * size),
        frame,
        'head',
        two_faced=True,
    )
    nose = centre - up * (0.013 * size) + front * (0.05 * size)
    builder.add(
        'head', nose + up * 0.012, nose, (0.004 * size, 0.009 * size), frame, 'skin'
    )
    if outfit.hair not in ('long',):
        for sign in (-1, 1):
            ear = centre + side * (sign * 0.05 * size) - up * (0.004 * size)
            builder.add(
                'head', ear, ear + up * 0.012, (0.009, 0.011), frame, 'skin', flat=0.5
            )
    if outfit.hair == 'bald':
        return
    back = crown + up * (0.006 * size) - front * (0.012 * size)
    builder.add(
        'head',
        back,
        back + up * 0.001,
        (0.0545 * size, 0.0545 * size),
        frame,
        'hair',
    )
    nape = centre - front * (0.045 * size)
    if outfit.hair == 'long':
        builder.add(
            'head',
            nape + up * 0.01 + front * 0.015,
            nape - up * (0.095 * size),
            (0.05 * size, 0.044 * size),
            frame,
            'extra',
            flat=0.6,
        )
    elif outfit.hair == 'tail':
        builder.add(
            'head',
            nape + up * 0.025 - front * 0.012,
            nape - up * (0.08 * size) - front * 0.02,
            (0.02, 0.012),
            frame,
            'extra',
            bulge=0.008,
        )
    elif outfit.hair == 'bun':
        bun = nape + up * (0.05 * size)
        builder.add('head', bun, bun + up * 0.001, (0.026, 0.026), frame, 'extra')
    elif outfit.hair == 'cap':
        brim = crown + front * (0.045 * size) + up * (0.012 * size)
        level = np.stack([side, front, up], axis=1)
        builder.add(
            'head',
            brim,
            brim + front * (0.022 * size),
            (0.042 * size, 0.03 * size),
            level,
            'hair',
            flat=0.2,
        )


def _add_arm(builder: _Builder, side: str, body: Proportions, outfit: Outfit) -> None:
    points = builder.points
    upper, lower = (
        builder.frames[f'{side}_upper_arm'],
        builder.frames[f'{side}_forearm'],
    )
    shoulder, elbow = points[f'{side}_shoulder'], points[f'{side}_elbow']
    wrist = points[f'{side}_wrist']
    girth = 0.5 + 0.5 * body.girth
    covered = outfit.sleeves == 'long'
    extra = outfit.loose if covered else 0.0
    tile = 'sleeve' if covered else 'skin'
    builder.add(
        f'{side}_upper_arm',
        shoulder,
        elbow,
        (0.036 * girth + extra, 0.027 * girth + extra),
        upper,
        tile,
        bulge=0.002,
    )
    builder.add(
        f'{side}_forearm',
        elbow,
        wrist,
        (0.026 * girth + extra, 0.018 + extra),
        lower,
        tile,
        bulge=0.003,
    )
    if outfit.sleeves == 'short':
        builder.add(
            f'{side}_upper_arm',
            shoulder,
            shoulder + outfit.sleeve_length * (elbow - shoulder),
            (0.037 * girth + outfit.loose, 0.034 * girth + outfit.loose),
            upper,
            'sleeve',
            open_ended=True,
        )
    fingers = wrist + 0.75 * (points[f'{side}_fingers'] - wrist)
    builder.add(
        f'{side}_hand',
        wrist - lower[:, 1] * 0.014,
        fingers,
        (0.02, 0.013),
        # When the arm hangs, the palm faces the thigh.
        np.stack([lower[:, 2], lower[:, 1], lower[:, 0]], axis=1),
        'skin',
        bulge=0.004,
        flat=0.55,
    )
    thumb = wrist - lower[:, 1] * 0.02 + lower[:, 2] * 0.012
    builder.add(
        f'{side}_hand',
        thumb,
        thumb - lower[:, 1] * 0.028 + lower[:, 2] * 0.016,
        (0.009, 0.007),
        lower,
        'skin',
    )


def _add_leg(builder: _Builder, side: str, body: Proportions, outfit: Outfit) -> None:
    points = builder.points
    upper, lower = builder.frames[f'{side}_thigh'], builder.frames[f'{side}_shin']
    foot = builder.frames[f'{side}_foot']
    hip, knee = points[f'{side}_hip'], points[f'{side}_knee']
    ankle = points[f'{side}_ankle']
    girth = 0.4 + 0.6 * body.girth
    covered = outfit.legs == 'long'
    extra = outfit.loose if covered else 0.0
    tile = 'leg' if covered else 'skin'
    builder.add(
        f'{side}_thigh',
        hip,
        knee,
        (0.06 * girth + extra, 0.037 * girth + extra),
        upper,
        tile,
        bulge=0.004,
    )
    builder.add(
        f'{side}_shin',
        knee,
        ankle,
        (0.036 * girth + extra, 0.022 + 1.5 * extra),
        lower,
        tile,
        bulge=0.003 if covered else 0.008,
    )
    if outfit.legs == 'short':
        builder.add(
            f'{side}_thigh',
            hip,
            hip + outfit.leg_length * (knee - hip),
            (0.064 * girth + outfit.loose, 0.05 * girth + 1.6 * outfit.loose),
            upper,
            'leg',
            open_ended=True,
        )
    builder.add(
        f'{side}_foot',
        points[f'{side}_heel'],
        points[f'{side}_toes'],
        (0.026, 0.02),
        np.stack([foot[:, 0], foot[:, 2], foot[:, 1]], axis=1),
        'shoe',
        bulge=0.003,
        flat=0.8,
        two_faced=True,
    )


def _head_box(skeleton: Skeleton, body: Proportions, camera: Camera) -> np.ndarray:
    """Box of the skull's ellipsoid, MPII's head box."""
    centre, scale = camera.project(skeleton.points['head'][None])
    axes = camera.rotation @ skeleton.frames['head']
    # Half width, height (chin to crown) and depth of the skull.
    half = np.array([0.046, 0.066, 0.056]) * (body.head / 0.128)
    reach = np.sqrt(((axes[:2] * half) ** 2).sum(axis=1)) * scale[0]
    middle = centre[0, :2]
    return np.concatenate([middle - reach, middle + reach])
