"""The rasteriser against shapes worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr_mmpose.datasets.figures.solids import NO_SOLID, Drawing, Solids, draw_solids

UPRIGHT = np.eye(3)
LIGHT = np.array([0, 0, -1], np.float32)
# Two textures of 4 x 4 texels and two faces: red and blue in front, green at the back.
ATLAS = np.zeros((8, 8, 4), np.uint8)
ATLAS[:4, :4, 2] = 200
ATLAS[4:, :4, 0] = 200
ATLAS[:, 4:, 1] = 200


def draw(
    solids: Solids, canvas: tuple[int, int] = (40, 50), **options
) -> Drawing | None:
    return draw_solids(solids, ATLAS, (4, 4), canvas, LIGHT, **options)


def ball(x: float, y: float, z: float, radius: float, tile: int = 0) -> Solids:
    solids = Solids()
    add_ball(solids, x, y, z, radius, tile)
    return solids


def add_ball(
    solids: Solids,
    x: float,
    y: float,
    z: float,
    radius: float,
    tile: int = 0,
    **options,
) -> None:
    centre = np.array([x, y, z], float)
    solids.add(centre, centre, (radius, radius), UPRIGHT, tile, **options)


def at(drawing: Drawing, x: int, y: int) -> tuple[int, float, list[int]]:
    place = y - drawing.box[1], x - drawing.box[0]
    return (
        int(drawing.solid[place]),
        float(drawing.depth[place]),
        drawing.colour[place][:3].tolist(),
    )


def test_a_ball_has_a_balls_depth():
    drawing = draw(ball(20, 15, 7, 10))
    # Depth = z - sqrt(r^2 - d^2): at the middle, 6 and 8 pixels beside it.
    assert at(drawing, 20, 15)[1] == pytest.approx(7 - 10, abs=1e-4)
    assert at(drawing, 26, 15)[1] == pytest.approx(7 - 8, abs=2e-3)
    assert at(drawing, 20, 23)[1] == pytest.approx(7 - 6, abs=2e-3)
    assert (drawing.solid == 0).sum() == pytest.approx(np.pi * 100, rel=0.03)
    assert np.isinf(drawing.depth[drawing.solid == NO_SOLID]).all()
    assert not drawing.colour[drawing.solid == NO_SOLID].any()


def test_the_nearer_surface_wins_whatever_the_order():
    for near, far in ((0, 1), (1, 0)):
        solids = Solids()
        for index in (0, 1):
            add_ball(solids, 20, 15, 0 if index == near else 9, 6, tile=index)
        owner, depth, _ = at(draw(solids), 20, 15)
        assert owner == near and far != near
        assert depth == pytest.approx(-6, abs=1e-4)


def test_a_limb_that_lies_in_the_picture_is_a_tapered_capsule():
    solids = Solids()
    solids.add(np.array([10.0, 20, 0]), np.array([40.0, 20, 0]), (6, 3), UPRIGHT, 0)
    drawing = draw(solids)
    for x, radius in ((10, 6), (25, 4.5), (40, 3)):
        assert at(drawing, x, 20)[1] == pytest.approx(-radius, abs=1e-4)
        column = drawing.solid[:, x - drawing.box[0]] == 0
        assert column.sum() == 2 * np.ceil(radius) - 1
    # Round caps: 5 pixels beyond the ends only the thick one is hit.
    assert at(drawing, 5, 20)[0] == 0
    assert drawing.box[2] <= 44


def test_a_limb_that_points_at_the_viewer_is_a_disc():
    solids = Solids()
    solids.add(np.array([20.0, 20, 30]), np.array([20.0, 20, 0]), (5, 5), UPRIGHT, 0)
    drawing = draw(solids)
    assert at(drawing, 20, 20)[1] == pytest.approx(-5, abs=1e-3)
    assert at(drawing, 23, 20)[1] == pytest.approx(-4, abs=1e-3)
    assert (drawing.solid == 0).sum() == pytest.approx(np.pi * 25, rel=0.06)


def test_a_slanted_limb_agrees_with_many_balls():
    start, end = np.array([10.0, 12, 20]), np.array([38.0, 25, -6])
    limb = Solids()
    limb.add(start, end, (5, 5), UPRIGHT, 0)
    chain = Solids()
    for place in np.linspace(0, 1, 250):
        add_ball(chain, *(start + place * (end - start)), 5)
    one, many = draw(limb), draw(chain)
    x1, y1 = (max(one.box[k], many.box[k]) for k in (0, 1))
    x2, y2 = (min(one.box[k], many.box[k]) for k in (2, 3))

    def depth(drawing: Drawing) -> np.ndarray:
        x, y = drawing.box[:2]
        return drawing.depth[y1 - y : y2 - y, x1 - x : x2 - x]

    both = np.isfinite(depth(one)) & np.isfinite(depth(many))
    assert both.sum() > 0.98 * np.isfinite(many.depth).sum()
    error = np.abs(depth(one)[both] - depth(many)[both])
    # Only at the outline do the gaps between the balls show.
    assert np.quantile(error, 0.95) < 0.01 and error.max() < 0.3


def test_flattening_thins_along_the_front():
    solids = Solids()
    add_ball(solids, 20, 15, 0, 10, flat=0.5)
    drawing = draw(solids)
    # Half as thick, as wide as before.
    assert at(drawing, 20, 15)[1] == pytest.approx(-5, abs=1e-4)
    assert at(drawing, 26, 15)[1] == pytest.approx(-4, abs=2e-3)
    assert (drawing.solid == 0).sum() == pytest.approx(np.pi * 100, rel=0.03)
    edge_on = Solids()
    centre = np.array([20.0, 15, 0])
    turned = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], float)
    edge_on.add(centre, centre, (10, 10), turned, 0, flat=0.5)
    drawing = draw(edge_on)
    assert at(drawing, 20, 15)[1] == pytest.approx(-10, abs=1e-3)
    assert (drawing.solid == 0).sum() == pytest.approx(np.pi * 50, rel=0.05)


def test_an_open_end_has_no_cap():
    for open_ended, hit in ((False, True), (True, False)):
        solids = Solids()
        solids.add(
            np.array([20.0, 10, 0]),
            np.array([20.0, 25, 0]),
            (5, 8),
            UPRIGHT,
            0,
            open_ended=open_ended,
        )
        drawing = draw(solids)
        below = drawing.solid[27 - drawing.box[1] :, 20 - drawing.box[0]]
        assert bool((below == 0).any()) is hit


def test_a_texture_has_a_front_and_a_back():
    for forward, channel in ((-1, 2), (1, 1)):
        frame = np.diag([1.0, 1, forward])
        solids = Solids()
        centre = np.array([20.0, 15, 0])
        solids.add(centre, centre, (10, 10), frame, 0, two_faced=True)
        colour = at(draw(solids), 20, 15)[2]
        assert np.argmax(colour) == channel


def test_the_side_towards_the_light_is_brighter():
    drawing = draw_solids(
        ball(20, 15, 0, 10), ATLAS, (4, 4), (40, 50), np.array([-1, 0, 0], np.float32)
    )
    assert at(drawing, 14, 15)[2][2] > 1.3 * at(drawing, 26, 15)[2][2]


def test_the_box_is_aligned_and_within_the_picture():
    drawing = draw(ball(47, 3, 0, 9), align=2)
    assert drawing.box[0] % 2 == drawing.box[1] % 2 == 0
    assert drawing.box[1] == 0 and drawing.box[2] == 50
    assert drawing.solid.shape == (
        drawing.box[3] - drawing.box[1],
        drawing.box[2] - drawing.box[0],
    )


def test_nothing_in_the_picture_gives_nothing():
    assert draw(ball(-30, 15, 0, 9)) is None
    assert draw(ball(20, 99, 0, 9)) is None


coordinates = st.floats(-20, 70)


@given(
    ends=st.tuples(*[coordinates] * 6),
    radii=st.tuples(st.floats(0.5, 15), st.floats(0.5, 15)),
    flat=st.floats(0.2, 1),
)
def test_any_solid_stays_within_its_reach(ends, radii, flat):
    start, end = np.array(ends[:3]), np.array(ends[3:])
    solids = Solids()
    solids.add(start, end, radii, UPRIGHT, 0, flat=flat)
    drawing = draw(solids)
    if drawing is None:
        return
    rows, columns = np.nonzero(drawing.solid == 0)
    x, y = columns + drawing.box[0], rows + drawing.box[1]
    reach = max(radii) + 1e-3
    low, high = np.minimum(start, end) - reach, np.maximum(start, end) + reach
    assert (x >= low[0]).all() and (x <= high[0]).all()
    assert (y >= low[1]).all() and (y <= high[1]).all()
    depth = drawing.depth[rows, columns]
    assert (depth >= low[2] - 0.01).all() and (depth <= high[2] + 0.01).all()
