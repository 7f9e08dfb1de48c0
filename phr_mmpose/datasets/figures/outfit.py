"""What a person looks like: skin, hair, face and clothes, as textures."""

import random
from dataclasses import dataclass

import cv2
import numpy as np

from phr_mmpose.datasets.figures.textures import (
    blend,
    noise_window,
    paint,
    pattern_mask,
    random_colour,
    spread,
)

TILE = (48, 48)
"""tuple[int, int]: Height and width of one face of a texture, in texels."""

TILES = (
    'skin',
    'head',
    'hair',
    'torso',
    'yoke',
    'pelvis',
    'sleeve',
    'leg',
    'skirt',
    'shoe',
    'extra',
)
"""tuple[str]: The textures in an atlas, top down."""

# BGR, from light to dark.
_SKINS = (
    (196, 214, 243),
    (170, 195, 232),
    (145, 178, 222),
    (120, 155, 205),
    (95, 130, 185),
    (70, 100, 150),
    (50, 74, 115),
    (38, 55, 88),
)
_HAIRS = (
    (20, 20, 24),
    (28, 32, 42),
    (30, 45, 70),
    (45, 75, 120),
    (90, 140, 185),
    (120, 175, 215),
    (40, 60, 140),
    (165, 170, 175),
)


@dataclass
class Outfit:
    """A person's looks.

    Args:
        atlas (np.ndarray): Shape (tiles * 48, 96, 4) uint8, BGRA; see
            :data:`TILES`.
        sleeves (str): ``none``, ``short`` or ``long``.
        legs (str): ``short``, ``long``, ``skirt`` or ``long_skirt``.
        hair (str): ``bald``, ``short``, ``long``, ``tail``, ``bun`` or ``cap``.
        loose (float): How far clothes stand off the body, in body heights.
        sleeve_length (float): Of short sleeves, share of the upper arm.
        leg_length (float): Of shorts, share of the thigh.
    """

    atlas: np.ndarray
    sleeves: str
    legs: str
    hair: str
    loose: float
    sleeve_length: float
    leg_length: float

    @staticmethod
    def tile(name: str) -> int:
        """Index of a texture.

        Args:
            name (str): One of :data:`TILES`.

        Returns:
            int: Its place in the atlas.
        """
        return TILES.index(name)


def _fabric(rng: random.Random) -> np.ndarray:
    """One face of cloth, (48, 48, 3) float32, with a shadow of folds."""
    first = random_colour(rng)
    second = random_colour(rng)
    if rng.random() < 0.4:
        second = first * rng.uniform(0.4, 0.7)
    cloth = blend(pattern_mask(rng, *TILE), first, second)
    folds = noise_window(rng, 'blotch', *TILE)
    weave = noise_window(rng, 'fine', *TILE)
    cloth *= spread(1 + 0.13 * folds + rng.uniform(0.02, 0.08) * weave)
    return cloth


def _flesh(rng: random.Random, skin: np.ndarray) -> np.ndarray:
    return paint(1 + 0.05 * noise_window(rng, 'cloud', *TILE), skin)


def _strands(rng: random.Random, colour: np.ndarray) -> np.ndarray:
    noise = noise_window(rng, 'wood', *TILE).T
    return paint(1 + 0.3 * noise, colour) + 6


def _face(rng: random.Random, skin: np.ndarray, hair: np.ndarray, bald: bool) -> tuple:
    """Front and back of the head; row 0 is the chin."""
    front = _flesh(rng, skin)
    tall, wide = TILE
    middle = wide / 2 - 0.5
    dark = skin * 0.45

    def spot(x: float, y: float, rx: float, ry: float, colour) -> None:
        cv2.ellipse(
            front,
            (round((middle + x * wide) * 16), round(y * tall * 16)),
            (round(rx * wide * 16), round(ry * tall * 16)),
            0,
            0,
            360,
            [float(c) for c in colour],
            -1,
            cv2.LINE_8,
            4,
        )

    for sign in (-1, 1):
        spot(sign * 0.27, 0.40, 0.12, 0.07, skin * (0.95, 0.93, 1.03))
        spot(sign * 0.18, 0.66, 0.095, 0.022, hair * 0.8 + 10)
        spot(sign * 0.18, 0.575, 0.10, 0.05, skin * 0.75)
        spot(sign * 0.18, 0.57, 0.075, 0.035, (235, 238, 240))
        spot(sign * 0.18, 0.57, 0.04, 0.038, (40, 35, 30))
        spot(sign * 0.04, 0.405, 0.025, 0.012, dark)
    spot(0, 0.30, 0.14, 0.024, skin * (0.55, 0.5, 0.75))
    spot(0, 0.435, 0.05, 0.025, np.minimum(skin * 1.1, 255))
    if rng.random() < 0.15:
        spot(0, 0.14, 0.3, 0.1, hair)
        spot(0, 0.35, 0.16, 0.02, hair)
    if rng.random() < 0.12:
        for sign in (-1, 1):
            spot(sign * 0.19, 0.57, 0.13, 0.065, (25, 22, 22))
        spot(0, 0.59, 0.12, 0.015, (25, 22, 22))
    back = _flesh(rng, skin)
    if not bald:
        strands = _strands(rng, hair)
        line = int(tall * rng.uniform(0.74, 0.84))
        front[line:] = strands[line:]
        parting = int(tall * 0.45)
        edge = rng.randint(2, 5)
        front[parting:, :edge] = strands[parting:, :edge]
        front[parting:, -edge:] = strands[parting:, -edge:]
        back[int(tall * 0.22) :] = strands[int(tall * 0.22) :]
    return front, back


def _print_on_chest(rng: random.Random, front: np.ndarray) -> None:
    """Collar, buttons, zip or a print: what tells a chest from a back."""
    tall, wide = TILE
    colour = [float(c) for c in random_colour(rng, (0.0, 0.9), (0.1, 1.0))]
    kind = rng.choice(('none', 'zip', 'buttons', 'disc', 'bars', 'box', 'badge'))
    centre = (wide // 2, int(tall * 0.6))
    if kind == 'zip':
        cv2.line(front, (wide // 2, 0), (wide // 2, tall), colour, 1)
    elif kind == 'buttons':
        for row in range(6, tall, 8):
            cv2.circle(front, (wide // 2, row), 1, colour, -1)
    elif kind == 'disc':
        cv2.circle(front, centre, rng.randint(6, 10), colour, -1)
    elif kind == 'bars':
        for row in (24, 30, 36):
            cv2.line(front, (14, row), (wide - 14, row), colour, 2)
    elif kind == 'box':
        cv2.rectangle(front, (14, 20), (wide - 14, 38), colour, -1)
    elif kind == 'badge':
        cv2.circle(front, (wide - 16, 36), 3, colour, -1)


def sample_outfit(rng: random.Random) -> Outfit:
    """Dress a person.

    Args:
        rng (random.Random): Source of chance.

    Returns:
        Outfit: The textures and what the clothes cover.
    """
    skin = np.array(rng.choice(_SKINS), np.float32) * rng.uniform(0.92, 1.05)
    hair = np.array(rng.choice(_HAIRS), np.float32)
    style = rng.choices(
        ('bald', 'short', 'long', 'tail', 'bun', 'cap'), (0.6, 4, 2, 1, 0.8, 1.2)
    )[0]
    sleeves = rng.choices(('none', 'short', 'long'), (1, 4, 3.5))[0]
    legs = rng.choices(('short', 'long', 'skirt', 'long_skirt'), (3, 5, 1, 0.5))[0]

    shirt, trousers, shoe = _fabric(rng), _fabric(rng), _fabric(rng)
    one_piece = rng.random() < (0.5 if 'skirt' in legs else 0.06)
    if one_piece:
        trousers = shirt
    face_front, face_back = _face(rng, skin, hair, style == 'bald')
    flesh = _flesh(rng, skin)
    strands = _strands(rng, hair)
    cover = _fabric(rng) if style == 'cap' else strands

    tall = TILE[0]
    chest_front, chest_back = shirt.copy(), shirt.copy()
    _print_on_chest(rng, chest_front)
    yoke_front, yoke_back = shirt.copy(), shirt.copy()
    # The yoke runs from shoulder to shoulder: its middle rows are the collar.
    opening = rng.randint(3, 7)
    yoke_front[tall // 2 - opening : tall // 2 + opening, 30:] = flesh[:1, :18]
    hips = trousers.copy()
    if not one_piece:
        hem = int(tall * rng.uniform(0.5, 0.85))
        hips[hem - 3 : hem] *= rng.uniform(0.4, 0.9)
        hips[hem:] = shirt[hem:]
    hips_back = hips.copy()
    if not one_piece and rng.random() < 0.7:
        for column in (9, 29):
            hips_back[14:22, column : column + 10] *= 0.75
    trousers_cuff = trousers.copy()
    trousers_cuff[-3:] *= 0.7
    shirt_cuff = shirt.copy()
    shirt_cuff[-3:] *= 0.75
    sole = np.full_like(shoe, 1.0) * random_colour(rng, (0, 0.2), (0.1, 0.9))
    if rng.random() < 0.12:
        shoe = flesh
    faces = {
        'skin': (flesh, flesh),
        'head': (face_front, face_back),
        'hair': (cover, strands if style != 'cap' else cover),
        'torso': (chest_front, chest_back),
        'yoke': (yoke_front, yoke_back),
        'pelvis': (hips, hips_back),
        'sleeve': (shirt_cuff, shirt_cuff),
        'leg': (trousers_cuff, trousers_cuff),
        'skirt': (trousers_cuff, trousers_cuff),
        'shoe': (shoe, sole),
        'extra': (strands, strands),
    }
    return Outfit(
        atlas=build_atlas([faces[name] for name in TILES]),
        sleeves=sleeves,
        legs=legs,
        hair=style,
        loose=rng.uniform(0.003, 0.009),
        sleeve_length=rng.uniform(0.4, 0.8),
        leg_length=rng.uniform(0.5, 0.95),
    )


def build_atlas(faces: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Stack textures into one picture.

    Args:
        faces (list): For each texture its front and back, each
            (48, 48, 3) float32; values beyond [0, 255] are cut off.

    Returns:
        np.ndarray: Shape (N * 48, 96, 4) uint8, BGRA.
    """
    sides = [cv2.vconcat([pair[side] for pair in faces]) for side in (0, 1)]
    # The conversion cuts values off at 0 and 255.
    atlas = cv2.add(cv2.hconcat(sides), 0, dtype=cv2.CV_8U)
    return cv2.cvtColor(atlas, cv2.COLOR_BGR2BGRA)
