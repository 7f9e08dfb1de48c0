import numpy as np
import pytest
from crop_samples import build, pipeline, write_data
from hypothesis import given
from hypothesis import strategies as st
from mmengine.registry import init_default_scope
from mmpose.registry import TRANSFORMS

from phr_mmpose.datasets.crops import CropGeometry
from phr_mmpose.utils.errors import UserError


def test_geometry_is_read_off_the_pipeline(tmp_path):
    folder = write_data(tmp_path / 'data', 1)
    transforms = build(folder).pipeline.transforms
    geometry = CropGeometry.of_pipeline(transforms)
    assert geometry == CropGeometry((64, 64), 1.25, 1.3, 40.0)
    plain = build(folder, pipeline=pipeline(augment=False)).pipeline.transforms
    assert CropGeometry.of_pipeline(plain) == CropGeometry((64, 64), 1.25, 1.0, 0.0)
    for missing in ('LoadPersonCrop', 'GetBBoxCenterScale'):
        some = [each for each in transforms if type(each).__name__ != missing]
        with pytest.raises(UserError, match='needs GetBBoxCenterScale and, after it'):
            CropGeometry.of_pipeline(some)
    # As the shipped test pipelines: what is missing, not what is there instead.
    init_default_scope('mmpose')
    affine = TRANSFORMS.build({'type': 'TopdownAffine', 'input_size': (64, 64)})
    with pytest.raises(UserError, match='needs GetBBoxCenterScale and, after it'):
        CropGeometry.of_pipeline([*transforms[:-1], affine])


def test_every_transform_that_moves_the_crop_counts():
    init_default_scope('mmpose')

    def geometry(*moves, after=()):
        steps = pipeline(augment=False)
        steps[-1:-1] = moves
        return CropGeometry.of_pipeline(
            [TRANSFORMS.build(step) for step in (*steps, *after)]
        )

    # MMPose's own moves the centre too, by a share of the crop.
    for kind in ('RandomBBoxTransform', 'RandomHalfBody'):
        with pytest.raises(UserError, match=f'how far {kind} moves') as caught:
            geometry({'type': kind})
        assert '\n' not in str(caught.value)
        # Behind the crop, it is no matter of the cache.
        assert geometry(after=[{'type': kind}]) == geometry()
    twice = geometry(
        {'type': 'RandomScaleRotation', 'scale': (0.5, 2.0), 'rotation': 30.0},
        {'type': 'CheckedLoadImage'},
        {'type': 'RandomScaleRotation', 'scale': (0.5, 1.5), 'rotation': 20.0},
    )
    assert (twice.scale, twice.rotation) == (3.0, 20.0)


def test_region_by_hand():
    box = np.array([100, 100, 180, 180], np.float32)
    plain = CropGeometry((64, 64), 1.25, 1.0, 0.0)
    # A crop of 100 px about (140, 140).
    assert plain.side(box) == 100
    assert plain.region(box, (400, 400), 0) == (90, 90, 101, 101)
    assert plain.region(box, (400, 400), 3) == (87, 87, 107, 107)
    assert plain.region(box, (150, 120), 3) == (87, 87, 33, 63)
    # Twice as wide and turned by up to 90 degrees: half a diagonal of 200 px.
    turned = CropGeometry((64, 64), 1.25, 2.0, 90.0)
    assert turned.region(box, (999, 999), 0)[0] == 0
    assert turned.region(box + 300, (999, 999), 0) == (298, 298, 285, 285)
    # 40 degrees: 100 (cos 40 + sin 40) = 140.9.
    forty = CropGeometry((64, 64), 1.25, 2.0, 40.0)
    assert forty.region(box + 300, (999, 999), 0)[0] == 440 - 141
    tall = CropGeometry((48, 64), 1.25, 1.0, 0.0)
    assert tall.side(box) == 100
    assert tall.region(box + 300, (999, 999), 0)[2:] == (101, 135)


@given(st.floats(0, 40), st.floats(0.1, 1.3), st.floats(0.5, 2))
def test_the_region_holds_every_corner(angle, scale, aspect):
    geometry = CropGeometry((round(100 * aspect), 100), 1.25, 1.3, 40.0)
    box = np.array([400.3, 410.7, 480.9, 510.2])
    x, y, width, height = geometry.region(box, (999, 999), 0)
    half = scale * geometry.side(box) / 2
    other = half * 100 / geometry.input_size[0]
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    for corner in ((half, other), (half, -other)):
        reach = np.abs([[cos, -sin], [sin, cos]] @ np.array(corner))
        middle = (box[:2] + box[2:]) / 2
        assert (middle - reach >= [x, y]).all()
        assert (middle + reach <= [x + width, y + height]).all()


def test_what_serves(tmp_path):
    folder = write_data(tmp_path / 'data', 3)
    plan = build(folder).crop_plan(build(folder).load_data_list())
    narrower = build(folder, pipeline=pipeline(rotation=20.0))
    mild = narrower.crop_plan(narrower.load_data_list())
    assert plan.difference(plan) is None
    assert mild.difference(plan) is None
    assert 'cropped otherwise' in plan.difference(mild)
    assert type(plan).from_json(plan.as_json()) == plan
