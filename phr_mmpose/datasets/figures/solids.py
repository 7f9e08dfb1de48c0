"""A small rasteriser: rounded, tapered, flattened limbs with a depth buffer.

A solid is the volume that a ball sweeps while it moves from ``start`` to ``end`` and
changes its radius; flattened along ``front``, it also makes chests, feet and heads.
Seen along the z axis, the nearest surface point above a pixel has a closed form, so
that depth, normals and texture coordinates are exact at every pixel, even where a limb
points at the viewer.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

NO_SOLID = 255
"""int: Value of the map of solids where the background shows."""


@dataclass
class Solids:
    """A list of solids in columns; N is their number.

    Coordinates are pixels of the drawing: x to the right, y down, z into the
    picture.

    Args:
        start (list): N points (3,) where the sweep begins.
        end (list): N points (3,) where it ends.
        radii (list): N pairs of the radius at the start and at the end.
        bulge (list): N extra radii half-way.
        side (list): N unit vectors (3,) across the solid, to the person's left.
        front (list): N unit vectors (3,), the direction of flattening.
        flat (list): N ratios of thickness to width, in (0, 1].
        tile (list): N indices of the texture in the atlas.
        two_faced (list): N flags: the texture differs in front and at the back.
        open_ended (list): N flags: no cap at the end (a skirt).
    """

    start: list = field(default_factory=list)
    end: list = field(default_factory=list)
    radii: list = field(default_factory=list)
    bulge: list = field(default_factory=list)
    side: list = field(default_factory=list)
    front: list = field(default_factory=list)
    flat: list = field(default_factory=list)
    tile: list = field(default_factory=list)
    two_faced: list = field(default_factory=list)
    open_ended: list = field(default_factory=list)

    def add(
        self,
        start: np.ndarray,
        end: np.ndarray,
        radii: tuple[float, float],
        frame: np.ndarray,
        tile: int,
        bulge: float = 0.0,
        flat: float = 1.0,
        two_faced: bool = False,
        open_ended: bool = False,
    ) -> int:
        """Append one solid.

        Args:
            start (np.ndarray): Shape (3,).
            end (np.ndarray): Shape (3,).
            radii (tuple[float, float]): At start and end.
            frame (np.ndarray): Shape (3, 3), the columns side, up and front.
            tile (int): Index of the texture.
            bulge (float): Extra radius half-way.
            flat (float): Thickness / width.
            two_faced (bool): The texture has a front and a back.
            open_ended (bool): No cap at the end.

        Returns:
            int: Index of the solid.
        """
        self.start.append(start)
        self.end.append(end)
        self.radii.append(radii)
        self.bulge.append(bulge)
        self.side.append(frame[:, 0])
        self.front.append(frame[:, 2])
        self.flat.append(flat)
        self.tile.append(tile)
        self.two_faced.append(two_faced)
        self.open_ended.append(open_ended)
        return len(self.start) - 1

    def __len__(self) -> int:
        return len(self.start)


@dataclass
class Drawing:
    """Rasterised solids within a box of the picture.

    Args:
        box (tuple[int, int, int, int]): x1, y1, x2, y2 (exclusive) of the box.
        depth (np.ndarray): Shape (h, w) float32; inf where nothing was drawn.
        solid (np.ndarray): Shape (h, w) uint8, index of the nearest solid or
            ``NO_SOLID``.
        colour (np.ndarray): Shape (h, w, 4) uint8, BGR and a byte without
            meaning; 0 where nothing is.
    """

    box: tuple[int, int, int, int]
    depth: np.ndarray
    solid: np.ndarray
    colour: np.ndarray


class _Setup:
    """What does not depend on the pixel, for all solids at once.

    A flattened solid is drawn in a space stretched along ``front``, where it is
    round; the line of sight is stretched with it. There the axes are ``along``
    (the solid's axis as seen), ``across`` and ``sight``.
    """

    def __init__(self, solids: Solids) -> None:
        self.start = np.array(solids.start, np.float32)
        end = np.array(solids.end, np.float32)
        self.radii = np.array(solids.radii, np.float32)
        self.bulge = np.array(solids.bulge, np.float32)
        self.front = np.array(solids.front, np.float32)
        self.side = np.array(solids.side, np.float32)
        self.flat = np.array(solids.flat, np.float32)
        self.open_ended = np.array(solids.open_ended)
        self.stretch = 1 / self.flat - 1

        axis = self._stretched(end - self.start)
        sight = self._stretched(np.array([[0, 0, 1]], np.float32))
        self.sight_norm = np.linalg.norm(sight, axis=1)
        self.sight = sight / self.sight_norm[:, None]
        self.rise = _dot(axis, self.sight)
        planar = axis - self.rise[:, None] * self.sight
        self.length = np.linalg.norm(planar, axis=1)
        # A solid that points at the viewer has no direction in the picture.
        spare = np.array([[1, 0, 0]], np.float32)
        spare = spare - _dot(spare, self.sight)[:, None] * self.sight
        pointing = self.length < 1e-3
        planar[pointing] = spare[pointing]
        self.length = np.maximum(self.length, 1e-3)
        self.along = planar / np.linalg.norm(planar, axis=1, keepdims=True)
        self.across = np.cross(self.sight, self.along)
        self.axis_length = np.maximum(np.linalg.norm(axis, axis=1), 1e-3)
        self.axis = axis / self.axis_length[:, None]

        # Stretched coordinates of a pixel are linear in its offset from the start.
        basis = np.stack([self.along, self.across, self.sight], axis=1)
        facing = (basis @ self.front[:, :, None])[..., 0] * self.stretch[:, None]
        self.linear = basis[:, :, :2] + facing[:, :, None] * self.front[:, None, :2]

        self.thickness = self.radii.max(axis=1) + self.bulge
        reach = np.sqrt(1 - (1 - self.flat**2)[:, None] * self.front[:, :2] ** 2)
        thick = (self.radii + self.bulge[:, None])[:, :, None] * reach[:, None]
        points = np.stack([self.start[:, :2], end[:, :2]], axis=1)
        self.low = np.floor((points - thick).min(axis=1)).astype(int)
        self.high = np.ceil((points + thick).max(axis=1)).astype(int) + 1

    def _stretched(self, vectors: np.ndarray) -> np.ndarray:
        return (
            vectors + (self.stretch * _dot(vectors, self.front))[:, None] * self.front
        )


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first * second).sum(axis=-1)


def draw_solids(
    solids: Solids,
    atlas: np.ndarray,
    tile_size: tuple[int, int],
    canvas: tuple[int, int],
    light: np.ndarray,
    ambient: float = 0.5,
    align: int = 1,
) -> Drawing | None:
    """Rasterise solids and shade them.

    Args:
        solids (Solids): What to draw, fewer than 255.
        atlas (np.ndarray): Shape (tiles * th, 2 * tw, 4) uint8, BGRA: textures
            below each other; of each the left half is the front face and the
            right half the back face. Rows run along the solid.
        tile_size (tuple[int, int]): Height th and width tw of a face.
        canvas (tuple[int, int]): Height and width of the picture in pixels.
        light (np.ndarray): Shape (3,), unit vector towards the light.
        ambient (float): Share of the light that comes from everywhere.
        align (int): The drawing's box starts and ends at multiples of it.

    Returns:
        Drawing | None: None if no solid covers a pixel of the picture.
    """
    setup = _Setup(solids)
    spans = _spans(setup, canvas)
    owner, column, row, across, along = _pixels(setup, spans)
    if not owner.size:
        return None
    box = (
        int(column.min()) // align * align,
        int(row.min()) // align * align,
        -(-int(column.max() + 1) // align) * align,
        -(-int(row.max() + 1) // align) * align,
    )
    shape = (box[3] - box[1], box[2] - box[0])
    hit, z, *surface = _cast(setup, owner, column, row, across, along)
    place = (row[hit] - box[1]) * shape[1] + (column[hit] - box[0])
    depth = np.full(shape[0] * shape[1], np.inf, np.float32)
    np.minimum.at(depth, place, z)
    nearest = np.flatnonzero(z == depth[place])
    if not nearest.size:
        return None
    place = place[nearest]
    owner = owner[hit[nearest]]
    solid = np.full(depth.shape, NO_SOLID, np.uint8)
    solid[place] = owner
    # Four bytes a pixel move as one number; the fourth is not used.
    colour = np.zeros(depth.shape, np.uint32)
    surface = [values[nearest] for values in surface]
    colour[place] = _shade(
        setup, solids, owner, surface, atlas, tile_size, light, ambient
    )
    colour = colour.view(np.uint8).reshape(*shape, 4)
    return Drawing(box, depth.reshape(shape), solid.reshape(shape), colour)


def _spans(
    setup: _Setup, canvas: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows of each solid's outline, as far as they lie in the picture.

    The outline is the slanted rectangle around the solid.

    Returns:
        tuple: Of R spans the owner, the row, the first column and the number of
        columns, (R,) int each.
    """
    top = np.clip(setup.low[:, 1], 0, canvas[0])
    tall = np.maximum(np.clip(setup.high[:, 1], 0, canvas[0]) - top, 0)
    owner = np.repeat(np.arange(len(tall)), tall)
    row = np.arange(len(owner)) + (top - (np.cumsum(tall) - tall))[owner]
    dy = row - setup.start[:, 1][owner]
    thick = setup.thickness
    left, right = setup.low[:, 0][owner], setup.high[:, 0][owner] - 1
    # Both the place along the axis and across it are linear in the column.
    for axis, low, high in ((0, -thick, setup.length + thick), (1, -thick, thick)):
        slope = setup.linear[:, axis, 0]
        slope = np.where(np.abs(slope) < 1e-6, 1e-6, slope)[owner]
        level = setup.linear[:, axis, 1][owner] * dy
        first, last = (low[owner] - level) / slope, (high[owner] - level) / slope
        left = np.maximum(left, np.minimum(first, last) + setup.start[:, 0][owner])
        right = np.minimum(right, np.maximum(first, last) + setup.start[:, 0][owner])
    left = np.clip(np.ceil(left), 0, canvas[1]).astype(np.intp)
    right = np.clip(np.floor(right) + 1, 0, canvas[1]).astype(np.intp)
    return owner, row, left, np.maximum(right - left, 0)


def _pixels(
    setup: _Setup, spans: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All pixels of all spans in one list.

    Returns:
        tuple: Of M pixels the owner, column and row (int), and the place across
        and along its axis (float32), (M,) each.
    """
    owner, row, left, wide = spans
    span = np.repeat(np.arange(len(wide)), wide)
    column = np.arange(len(span)) + (left - (np.cumsum(wide) - wide))[span]
    dy = (row - setup.start[:, 1][owner]).astype(np.float32)
    base = setup.linear[:, :2, 1][owner] * dy[:, None]
    base -= setup.linear[:, :2, 0][owner] * setup.start[:, :1][owner]
    owner_of = owner[span]
    places = []
    for axis in (1, 0):
        place = column.astype(np.float32)
        place *= setup.linear[:, axis, 0][owner_of]
        place += np.ascontiguousarray(base[:, axis])[span]
        places.append(place)
    return owner_of, column, row[span], *places


def _cast(
    setup: _Setup,
    owner: np.ndarray,
    column: np.ndarray,
    row: np.ndarray,
    across: np.ndarray,
    along: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Intersect the line of sight at M pixels with one solid each.

    The ball whose surface is nearest maximises height over the axis: with the
    radius R of the cross-section left at the pixel, the centre lies
    ``rise / |axis| * R`` before the foot of the pixel's perpendicular.

    Args:
        owner (np.ndarray): Shape (M,), index of each pixel's solid.
        column (np.ndarray): Shape (M,), x of the pixels.
        row (np.ndarray): Shape (M,), y of the pixels.
        across (np.ndarray): Shape (M,), place across the solid's axis.
        along (np.ndarray): Shape (M,), place along it; changed.

    Returns:
        tuple[np.ndarray, ...]: Of the H pixels that hit: their places in the
        list, depth, place on the axis (0 to 1) and the unit normal's parts along
        and across, (H,) each.
    """
    length = setup.length[owner]
    first = setup.radii[:, 0][owner]
    taper = (setup.radii[:, 1] - setup.radii[:, 0]) / setup.length
    taper = taper[owner]
    across_squared = across * across

    radius = np.minimum(np.maximum(along, 0), length)
    radius *= taper
    radius += first
    remaining = radius * radius
    remaining -= across_squared
    np.maximum(remaining, 0, out=remaining)
    centre = np.sqrt(remaining, out=remaining)
    centre *= (-setup.rise / setup.axis_length)[owner]
    centre += along
    beyond = (centre > length) & setup.open_ended[owner]
    np.minimum(np.maximum(centre, 0, out=centre), length, out=centre)

    radius = centre * taper
    radius += first
    bulge = (4 * setup.bulge / setup.length**2)[owner]
    bulge *= centre
    bulge *= length - centre
    radius += bulge
    along -= centre
    height = radius * radius
    height -= across_squared
    height -= along * along
    hit = np.flatnonzero((height > 0) & ~beyond)

    owner, centre, radius = owner[hit], centre[hit], radius[hit]
    z = centre * (setup.rise / setup.length)[owner]
    z -= np.sqrt(height[hit])
    tilt_x, tilt_y = setup.linear[:, 2].T
    z -= tilt_x[owner] * column[hit].astype(np.float32)
    z -= tilt_y[owner] * row[hit].astype(np.float32)
    z += (tilt_x * setup.start[:, 0] + tilt_y * setup.start[:, 1])[owner]
    z /= setup.sight_norm[owner]
    z += setup.start[:, 2][owner]
    centre /= length[hit]
    return hit, z, centre, along[hit] / radius, across[hit] / radius


def _shade(
    setup: _Setup,
    solids: Solids,
    solid: np.ndarray,
    surface: list[np.ndarray],
    atlas: np.ndarray,
    tile_size: tuple[int, int],
    light: np.ndarray,
    ambient: float,
) -> np.ndarray:
    """Colour of M surface points.

    Args:
        solid (np.ndarray): Shape (M,) int, index of each point's solid.
        surface (list[np.ndarray]): Place on the axis, and the normal's parts
            along and across, each of shape (M,).

    Returns:
        np.ndarray: Shape (M,) uint32, the bytes B, G, R and 0.
    """
    place, along, across = surface
    towards = np.sqrt(np.maximum(1 - along * along - across * across, 0))

    def part(vectors: np.ndarray) -> np.ndarray:
        """Normal's component along one vector per solid, (N, 3) -> (M,)."""
        out = _dot(vectors, setup.along)[solid]
        out *= along
        out += _dot(vectors, setup.across)[solid] * across
        out -= _dot(vectors, setup.sight)[solid] * towards
        return out

    front = part(setup.front)
    # Texture: columns across the solid, rows along it, both caps included.
    tall, wide = tile_size
    two_faced = np.array(solids.two_faced)
    column = part(setup.side)
    column *= 0.5 * (wide - 2)
    column += 0.5 * (wide - 1)
    column += wide * ((front < 0) & two_faced[solid])
    first, last = setup.radii.T
    whole = setup.axis_length + first + last
    row = part(setup.axis)
    row *= (first / whole)[solid] + place * ((last - first) / whole)[solid]
    row += (setup.axis_length / whole)[solid] * place + (first / whole)[solid]
    np.clip(row, 0, 1, out=row)
    row *= tall - 1
    row += (np.array(solids.tile, np.float32) * tall)[solid]
    albedo = _look_up(atlas, column, row)

    # Lambert's law, with the flattened surface's own normal.
    lit = part(np.broadcast_to(light, setup.front.shape))
    lit += (setup.stretch * _dot(setup.front, light))[solid] * front
    front *= front
    front *= ((1 / setup.flat) ** 2 - 1)[solid]
    front += 1
    lit /= np.sqrt(front)
    # Half-Lambert: the side turned away keeps its shape.
    lit *= 0.5
    lit += 0.5
    lit *= 1.25 * (1 - ambient)
    lit += ambient
    # Surfaces seen at a grazing angle are darker: it sets limbs apart.
    lit *= 0.72 + 0.28 * np.minimum(towards * 1.6, 1)
    lit = lit[:, None]
    colour = cv2.multiply(albedo, cv2.merge((lit, lit, lit, lit)), dtype=cv2.CV_8U)
    return colour.reshape(-1, 4).view(np.uint32)[:, 0]


def _look_up(atlas: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    # cv2.remap takes pictures of at most 32767 columns: fold the points.
    count = column.size
    fold = 256
    padded = -count % fold
    maps = [
        np.pad(values.astype(np.float32, copy=False), (0, padded)).reshape(-1, fold)
        for values in (column, row)
    ]
    colours = cv2.remap(atlas, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return colours.reshape(-1, 1, 4)[:count]
