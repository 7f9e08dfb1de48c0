from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr_mmpose.datasets.annotation_list import AnnotationList
from phr_mmpose.datasets.body import LspetDataset, MpiiPartDataset
from phr_mmpose.datasets.person_regions import CropRange, PersonRegions, plan_regions

PLAIN = CropRange((64, 64), 1.25, (1.0, 1.0), 0.0)


def persons(centers, scales, joints=16):
    count = len(scales)
    around = np.array(centers, float)[:, None]
    offsets = 10 * np.arange(joints)[:, None] + [0.25, 0.5]
    return AnnotationList(
        images=['photo.jpg'] * count,
        centers=np.array(centers, float),
        scales=np.array(scales, float),
        joints=around + offsets,
        annotated=np.ones((count, joints), bool),
        visible=np.zeros((count, joints), bool),
        head_boxes=np.tile([10.0, 20, 40, 60], (count, 1)),
    )


def unchanged(annotations):
    return annotations


def test_reach_by_hand():
    # A crop of 1.25 x 80 = 100 px.
    assert PLAIN.reach([80]).tolist() == [[50, 50]]
    # The body at half its size: twice the crop. 40 degrees: cos + sin = 1.408832.
    half = CropRange((64, 64), 1.25, (0.5, 1.0), 0.0)
    assert half.reach([80]).tolist() == [[100, 100]]
    turned = CropRange((64, 64), 1.25, (0.5, 1.0), 40.0)
    assert turned.reach([80])[0] == pytest.approx([140.8832] * 2, abs=1e-4)
    # Beyond 45 degrees a square's corner goes no farther.
    right = CropRange((64, 64), 1.25, (0.5, 1.0), 180.0)
    assert right.reach([80])[0] == pytest.approx([141.4214] * 2, abs=1e-4)
    # The shorter side shows the padded box.
    tall = CropRange((48, 64), 1.25, (1.0, 1.0), 0.0)
    assert tall.reach([96])[0] == pytest.approx([60, 80])


@given(st.floats(-40, 40), st.floats(0.7, 1.3), st.floats(0.5, 2))
def test_no_corner_of_a_crop_lies_out_of_reach(angle, body, aspect):
    size = (round(100 * aspect), 100)
    crop = CropRange(size, 1.25, (0.7, 1.3), 40.0)
    half = 1.25 * 80 / body / 2 * np.array(size) / min(size)
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    for sign in (1, -1):
        corner = np.abs([[cos, -sin], [sin, cos]] @ (half * [1, sign]))
        assert (corner <= crop.reach([80])[0] + 1e-9).all()


def test_density_by_hand():
    # The body at 1.3: a crop of 100 / 1.3 px for 64.
    crop = CropRange((64, 64), 1.25, (0.7, 1.3), 0.0)
    assert crop.density([80, 800]) == pytest.approx([1.2019, 12.019], abs=1e-3)
    assert CropRange((48, 64), 1.25, (0.7, 1.0)).density([96]) == pytest.approx([2.5])


def test_regions_by_hand():
    regions = PersonRegions.around(
        persons([[141, 141], [141, 31], [501, 501]], [0.4, 0.4, 0.96]), PLAIN, True
    )
    assert regions.boxes[0].tolist() == [100, 100, 180, 180]
    # 100 / 64 and 240 / 64 px for each of the input, in steps of 1/8.
    assert regions.factors.tolist() == [1.5, 1.5, 3.75]
    # 140 - 50 - 3; not above the photo; 500 - 120 - 7.5.
    assert regions.origins.tolist() == [[87, 87], [87, 0], [372, 372]]
    # To 193 / 83 / 628, and one more, then in kept pixels.
    assert regions.sizes.tolist() == [[72, 72], [72, 56], [69, 69]]
    whole = PersonRegions.around(persons([[141, 141]], [0.96]), PLAIN, False)
    assert whole.factors.tolist() == [1]


def test_small_persons_are_not_enlarged():
    regions = PersonRegions.around(persons([[141, 141]], [0.05]), PLAIN, True)
    assert regions.factors.tolist() == [1]


def test_moved_by_hand():
    annotations = persons([[141, 141]], [0.4])
    regions = PersonRegions.around(annotations, PLAIN, True)
    moved = regions.moved(annotations, ['new.jpg'])
    assert moved.images == ['new.jpg']
    # The outer edge of the region's first pixel, 87.5 from 1, becomes 0.5.
    assert moved.centers[0] == pytest.approx([(141 - 87.5) / 1.5 + 0.5] * 2)
    assert moved.scales[0] == pytest.approx(0.4 / 1.5)
    assert moved.joints[0, 3] == pytest.approx([83.75 / 1.5 + 0.5, 56.5])
    assert moved.head_boxes[0] == pytest.approx(
        [(value - 87.5) / 1.5 + 0.5 for value in (10, 20, 40, 60)]
    )
    assert moved.visible is annotations.visible
    assert moved.annotated is annotations.annotated


def test_no_head_box_stays_none():
    annotations = persons([[141, 141]], [0.4])
    annotations.head_boxes[:] = np.nan
    regions = PersonRegions.around(annotations, PLAIN, True)
    assert np.isnan(regions.moved(annotations, ['new.jpg']).head_boxes).all()


def same_boxes(first, second):
    for field in fields(AnnotationList)[1:3]:
        mine, theirs = getattr(first, field.name), getattr(second, field.name)
        np.testing.assert_allclose(mine, theirs, rtol=1e-9)


def test_the_boxes_that_the_data_set_makes_are_covered():
    annotations = persons([[301, 301], [505, 404]], [2.0, 1.0])
    dataset = MpiiPartDataset(lazy_init=True)
    regions = plan_regions(annotations, dataset.convert, PLAIN)
    # 30 px farther down: 300 - 200, 300 + 30 - 200.
    assert regions.boxes[0].tolist() == [100, 130, 500, 530]
    assert (regions.factors > 1).all()
    same_boxes(
        dataset.convert(regions.moved(annotations, annotations.images)),
        regions.moved(dataset.convert(annotations), annotations.images),
    )


def test_boxes_that_depend_on_pixels_keep_theirs():
    """LSPET's are about as large as LSP's where joints do not tell the size."""
    annotations = persons([[901, 901]] * 2, [4.0] * 2, joints=14)
    annotations.annotated[1] = False
    annotations.annotated[1, [2, 6]] = True  # no whole limb
    dataset = LspetDataset(lazy_init=True)
    regions = plan_regions(annotations, dataset.convert, CropRange((32, 32)))
    assert regions.factors[0] > 1
    assert regions.factors[1] == 1
    same_boxes(
        dataset.convert(regions.moved(annotations, annotations.images)),
        regions.moved(dataset.convert(annotations), annotations.images),
    )
