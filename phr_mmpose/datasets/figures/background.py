"""What lies behind a person: rooms, streets, meadows and studio backdrops."""

import random

import cv2
import numpy as np

from phr_mmpose.datasets.figures.textures import (
    noise_window,
    paint,
    pattern_mask,
    random_colour,
    spread,
)

# Lengths below are pixels of a picture of this side; others scale with it.
REFERENCE = 160


def draw_background(rng: random.Random, size: int, ground: float) -> np.ndarray:
    """Draw a scene.

    Args:
        rng (random.Random): Source of chance.
        size (int): Side of the picture in pixels.
        ground (float): Row on which the person stands; the floor begins above.

    Returns:
        np.ndarray: Shape (size, size, 3) float32, BGR in [0, 255].
    """
    horizon = int(
        max(0.3 * size, min(0.93 * size, ground - rng.uniform(0.06, 0.3) * size))
    )
    scene = rng.choices((_room, _outdoors, _studio), (4, 4, 2))[0]
    picture = scene(rng, size, horizon)
    # The focus is on the person; the least blur also smooths edges, which OpenCV
    # draws with steps in floating point.
    sigma = rng.choice((0.5, 0.5, 0.8, 1.2, 2.0)) * size / REFERENCE
    return cv2.GaussianBlur(picture, (0, 0), sigma)


def _wall(
    rng: random.Random, colour: np.ndarray, height: int, width: int
) -> np.ndarray:
    """A lit, slightly uneven surface, (height, width, 3) float32."""
    slope_x, slope_y = rng.uniform(-0.25, 0.25), rng.uniform(-0.25, 0.25)
    x = np.linspace(-slope_x, slope_x, width, dtype=np.float32)[None]
    y = np.linspace(-slope_y, slope_y, height, dtype=np.float32)[:, None]
    field = rng.choice(('cloud', 'blotch', 'grain'))
    shade = (
        1 + x + y + rng.uniform(0.03, 0.16) * noise_window(rng, field, height, width)
    )
    return paint(shade, colour)


def _floor(
    rng: random.Random, kinds: tuple[str, ...], height: int, width: int
) -> np.ndarray:
    """A receding floor, (height, width, 3) float32."""
    kind = rng.choice(kinds)
    if kind in ('tiles', 'planks'):
        return _boards(rng, kind, height, width)
    if kind == 'grass':
        colour = np.array([50, 120, 95], np.float32) * rng.uniform(0.6, 1.3)
        rough = 0.45
    elif kind == 'sand':
        colour = np.array([140, 185, 210], np.float32) * rng.uniform(0.7, 1.05)
        rough = 0.15
    else:
        colour = random_colour(rng, (0.02, 0.3), (0.3, 0.7))
        rough = rng.uniform(0.08, 0.25)
    noise = noise_window(rng, 'grass' if kind == 'grass' else 'grain', height, width)
    near = np.linspace(0.75, 1.1, height, dtype=np.float32)[:, None]
    return paint(near * (1 + rough * noise), colour)


def _boards(rng: random.Random, kind: str, height: int, width: int) -> np.ndarray:
    """Tiles or planks in perspective, from their plan seen from above."""
    side = 128
    light = random_colour(rng, (0.1, 0.5), (0.45, 0.85))
    plan = np.ones((side, side), np.float32)
    step = rng.choice((8, 12, 16))
    cells = side // step + 1
    tones = np.array(
        [rng.uniform(0.8, 1.1) for _ in range(cells * cells)], np.float32
    ).reshape(cells, cells)
    if kind == 'planks':
        tones[:] = tones[:1]
    elif rng.random() < 0.3:
        tones = np.where(np.indices(tones.shape).sum(axis=0) % 2, 1.1, 0.6)
    tones = tones.astype(np.float32)
    plan *= cv2.resize(tones, None, fx=step, fy=step, interpolation=cv2.INTER_NEAREST)[
        :side, :side
    ]
    plan[:, ::step] *= 0.75
    if kind == 'tiles':
        plan[::step] *= 0.75
    lean, pull = rng.uniform(-0.4, 0.4) * width, rng.uniform(0.4, 1.2) * width
    source = np.float32([[0, 0], [side, 0], [side, side], [0, side]])
    target = np.float32(
        [[0, 0], [width, 0], [width + pull + lean, height], [-pull + lean, height]]
    )
    plan = cv2.warpPerspective(
        plan,
        cv2.getPerspectiveTransform(source, target),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    plan *= np.linspace(0.8, 1.08, height, dtype=np.float32)[:, None]
    return paint(plan, light)


def _panel(
    rng: random.Random,
    picture: np.ndarray,
    box: tuple[int, int, int, int],
    colour: np.ndarray,
    frame: bool = True,
) -> None:
    """A shaded rectangle x1, y1, x2, y2 with a frame and a soft shadow, in place."""
    height, width = picture.shape[:2]
    x1, y1 = max(box[0], 0), max(box[1], 0)
    x2, y2 = min(box[2], width), min(box[3], height)
    if x2 - x1 < 2 or y2 - y1 < 2:
        return
    drop = max(1, width // 60)
    picture[y1 + drop : y2 + drop, x1 + drop : x2 + drop] *= 0.82
    shade = np.linspace(1 + rng.uniform(-0.2, 0.2), 1, x2 - x1, dtype=np.float32)
    picture[y1:y2, x1:x2] = shade[None, :, None] * colour
    if frame:
        cv2.rectangle(
            picture,
            (x1, y1),
            (x2 - 1, y2 - 1),
            (colour * 0.6).tolist(),
            max(1, width // 120),
            cv2.LINE_AA,
        )


def _room(rng: random.Random, size: int, horizon: int) -> np.ndarray:
    picture = np.empty((size, size, 3), np.float32)
    wall = random_colour(rng, (0.03, 0.45), (0.35, 0.95))
    picture[:horizon] = _wall(rng, wall, horizon, size)
    if rng.random() < 0.3:
        mask = pattern_mask(rng, horizon, size)
        picture[:horizon] *= spread(1 - rng.uniform(0.05, 0.25) * mask)
    floor = _floor(rng, ('tiles', 'planks', 'planks', 'carpet'), size - horizon, size)
    picture[horizon:] = floor
    skirting = max(2, size // 50)
    picture[horizon - skirting : horizon] = wall * rng.uniform(0.5, 1.0)
    for _ in range(rng.randint(0, 4)):
        rng.choice((_frame, _window, _cupboard, _shelf, _curtain, _lamp))(
            rng, picture, horizon
        )
    return picture


def _frame(rng: random.Random, picture: np.ndarray, horizon: int) -> None:
    size = len(picture)
    x, y = rng.randrange(size), rng.randrange(max(1, int(0.5 * horizon)))
    w, h = (int(rng.uniform(0.1, 0.3) * size) for _ in range(2))
    _panel(rng, picture, (x, y, x + w, y + h), random_colour(rng))
    if w > 8 and h > 8:
        inner = (x + 4, y + 4, x + w - 4, y + h - 4)
        _panel(rng, picture, inner, random_colour(rng), frame=False)


def _window(rng: random.Random, picture: np.ndarray, horizon: int) -> None:
    size = len(picture)
    x, y = rng.randrange(size) - size // 8, int(rng.uniform(0.02, 0.3) * horizon)
    w, h = int(rng.uniform(0.2, 0.45) * size), int(rng.uniform(0.3, 0.55) * horizon)
    pane = np.array([235, 215, 190], np.float32) * rng.uniform(0.6, 1.05)
    _panel(rng, picture, (x, y, x + w, y + h), pane)
    bar = (pane * rng.uniform(0.4, 0.7)).tolist()
    thick = max(1, size // 80)
    cv2.line(picture, (x + w // 2, y), (x + w // 2, y + h), bar, thick, cv2.LINE_AA)
    cv2.line(picture, (x, y + h // 2), (x + w, y + h // 2), bar, thick, cv2.LINE_AA)


def _cupboard(rng: random.Random, picture: np.ndarray, horizon: int) -> None:
    size = len(picture)
    x = rng.randrange(-size // 6, size)
    w, h = int(rng.uniform(0.15, 0.45) * size), int(rng.uniform(0.15, 0.9) * horizon)
    foot = horizon + int(rng.uniform(0, 0.06) * size)
    colour = random_colour(rng, (0.1, 0.6), (0.2, 0.8))
    _panel(rng, picture, (x, foot - h, x + w, foot), colour)
    doors = rng.randint(1, 3)
    edge = (colour * 0.65).tolist()
    for door in range(1, doors):
        column = x + w * door // doors
        cv2.line(picture, (column, foot - h), (column, foot), edge, 1, cv2.LINE_AA)


def _shelf(rng: random.Random, picture: np.ndarray, horizon: int) -> None:
    size = len(picture)
    y = int(rng.uniform(0.15, 0.7) * horizon)
    x, end = rng.randrange(size), 0
    end = x + int(rng.uniform(0.2, 0.5) * size)
    board = random_colour(rng, (0.2, 0.6), (0.3, 0.7))
    while x < end:
        w, h = (
            rng.randint(3, 8) * size // REFERENCE,
            rng.randint(8, 20) * size // REFERENCE,
        )
        _panel(rng, picture, (x, y - h, x + w, y), random_colour(rng), frame=False)
        x += w + rng.randint(0, 3)
    _panel(rng, picture, (end - int(0.4 * size), y, end, y + max(2, size // 60)), board)


def _curtain(rng: random.Random, picture: np.ndarray, horizon: int) -> None:
    size = len(picture)
    x, w = rng.randrange(size), int(rng.uniform(0.1, 0.3) * size)
    w = min(w, size - x)
    waves = 1 + 0.25 * np.sin(np.arange(w, dtype=np.float32) * rng.uniform(0.4, 0.9))
    picture[:horizon, x : x + w] = waves[None, :, None] * random_colour(rng)


def _lamp(rng: random.Random, picture: np.ndarray, horizon: int) -> None:
    size = len(picture)
    x, top = rng.randrange(size), int(rng.uniform(0.2, 0.5) * horizon)
    dark = [float(rng.randint(20, 90))] * 3
    cv2.line(picture, (x, top), (x, horizon + 4), dark, max(2, size // 60), cv2.LINE_AA)
    half, tall = int(0.07 * size), int(0.1 * size)
    shade = np.array(
        [
            [x - half, top + tall],
            [x + half, top + tall],
            [x + half // 2, top],
            [x - half // 2, top],
        ]
    )
    colour = random_colour(rng, (0.1, 0.5), (0.7, 1.0)).tolist()
    cv2.fillConvexPoly(picture, shade, colour, cv2.LINE_AA)


def _outdoors(rng: random.Random, size: int, horizon: int) -> np.ndarray:
    picture = np.empty((size, size, 3), np.float32)
    low = np.array([225, 215, 200], np.float32) * rng.uniform(0.7, 1.08)
    high = np.array([215, 165, 110], np.float32) * rng.uniform(0.5, 1.1)
    ramp = np.linspace(0, 1, horizon, dtype=np.float32)[:, None, None]
    picture[:horizon] = high + (low - high) * ramp
    cloud = np.clip(noise_window(rng, 'cloud', horizon, size, 2.0) * 2 - 0.2, 0, 1)
    cloud = spread(cloud * np.float32(rng.uniform(0, 0.8)))
    picture[:horizon] += (np.float32(245) - picture[:horizon]) * cloud
    kinds = ('grass', 'grass', 'sand', 'asphalt', 'tiles')
    picture[horizon:] = _floor(rng, kinds, size - horizon, size)
    for _ in range(rng.randint(1, 4)):
        rng.choice((_hills, _houses, _houses, _tree, _tree, _fence, _hedge))(
            rng, picture, horizon
        )
    if rng.random() < 0.3:
        _tree(rng, picture, horizon + int(0.05 * size))
    return picture


def _hills(rng: random.Random, picture: np.ndarray, horizon: int) -> None:
    size = len(picture)
    x = np.arange(0, size + 9, 8)
    wave = np.zeros(len(x))
    for _ in range(3):
        wave += np.sin(x / size * rng.uniform(2, 12) + rng.uniform(0, 6.3))
    y = horizon - (0.12 + 0.04 * wave) * size * rng.uniform(0.5, 1.6)
    points = np.concatenate([np.stack([x, y], 1), [[size + 8, horizon], [0, horizon]]])
    colour = np.array([115, 125, 105], np.float32) * rng.uniform(0.5, 1.4)
    cv2.fillPoly(picture, [np.int32(points)], colour.tolist(), cv2.LINE_AA)


def _houses(rng: random.Random, picture: np.ndarray, horizon: int) -> None:
    size = len(picture)
    x = rng.randrange(-size // 4, size // 2)
    for _ in range(rng.randint(1, 4)):
        w, h = (
            int(rng.uniform(0.15, 0.4) * size),
            int(rng.uniform(0.25, 0.95) * horizon),
        )
        colour = random_colour(rng, (0.05, 0.4), (0.3, 0.85))
        _panel(rng, picture, (x, horizon - h, x + w, horizon), colour, frame=False)
        glass = (colour * rng.uniform(0.35, 0.7)).tolist()
        step, pane = max(6, size // 14), max(3, size // 28)
        for wx in range(x + 4, x + w - pane, step):
            for wy in range(horizon - h + 5, horizon - pane - 4, step):
                cv2.rectangle(picture, (wx, wy), (wx + pane, wy + pane + 1), glass, -1)
        x += w + rng.randint(0, size // 10)


def _tree(rng: random.Random, picture: np.ndarray, horizon: int) -> None:
    size = len(picture)
    x, tall = rng.randrange(size), rng.uniform(0.3, 0.8) * horizon
    bark = np.array([40, 60, 85], np.float32) * rng.uniform(0.6, 1.4)
    thick = max(2, int(rng.uniform(0.02, 0.05) * size))
    top = int(horizon - tall)
    cv2.line(picture, (x, top), (x, horizon), bark.tolist(), thick, cv2.LINE_AA)
    _foliage(rng, picture, x, top, rng.uniform(0.08, 0.18) * size)


def _hedge(rng: random.Random, picture: np.ndarray, horizon: int) -> None:
    size = len(picture)
    for _ in range(rng.randint(2, 5)):
        x = rng.randrange(size)
        _foliage(rng, picture, x, horizon, rng.uniform(0.05, 0.11) * size)


def _foliage(
    rng: random.Random, picture: np.ndarray, x: int, y: int, radius: float
) -> None:
    green = np.array([45, 105, 75], np.float32) * rng.uniform(0.5, 1.3)
    for k in range(9):
        reach = radius * 0.9
        centre = (
            int(x + rng.uniform(-reach, reach)),
            int(y + rng.uniform(-reach, reach) * 0.8),
        )
        tone = (green * (0.65 + 0.07 * k + rng.uniform(-0.1, 0.1))).tolist()
        cv2.circle(
            picture, centre, int(radius * rng.uniform(0.3, 0.6)), tone, -1, cv2.LINE_AA
        )


def _fence(rng: random.Random, picture: np.ndarray, horizon: int) -> None:
    size = len(picture)
    top = int(horizon - rng.uniform(0.1, 0.3) * size)
    colour = random_colour(rng, (0.05, 0.5), (0.25, 0.9)).tolist()
    thick = max(1, size // 80)
    for x in range(rng.randint(0, 8), size, rng.randint(size // 16, size // 6)):
        cv2.line(picture, (x, top), (x, horizon), colour, thick + 1, cv2.LINE_AA)
    for y in (top + 3, (top + horizon) // 2):
        cv2.line(picture, (0, y), (size, y), colour, thick, cv2.LINE_AA)


def _studio(rng: random.Random, size: int, horizon: int) -> np.ndarray:
    colour = random_colour(rng, (0.0, 0.6), (0.25, 0.95))
    picture = _wall(rng, colour, size, size)
    ramp = np.ones(size, np.float32)
    bend = size // 12
    ramp[horizon:] = rng.uniform(0.7, 1.15)
    ramp = cv2.blur(ramp[:, None], (1, 2 * bend + 1), borderType=cv2.BORDER_REPLICATE)
    picture *= ramp[:, :, None]
    for _ in range(rng.randint(0, 6)):
        centre = (rng.randrange(size), rng.randrange(horizon))
        glow = (random_colour(rng) * 0.7 + colour * 0.3).tolist()
        radius = int(rng.uniform(0.03, 0.14) * size)
        cv2.circle(picture, centre, radius, glow, -1, cv2.LINE_AA)
    return picture
