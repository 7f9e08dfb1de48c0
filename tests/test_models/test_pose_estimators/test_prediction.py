"""The quick paths of prediction give the plain paths' numbers."""

import copy
import pickle

import numpy as np
import pytest
import torch
from cascade_samples import PARTS, SIDE, batch, build_model
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.structures import InstanceData
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.structures import PoseDataSample
from torch import nn

from phr_mmpose.models.pose_estimators.photo_pixels import to_photo_pixels
from phr_mmpose.utils.errors import UserError


@pytest.fixture(scope='module')
def model():
    return build_model(lively=True).eval()


def predict(model, way=None, count=3, **test_cfg):
    """Predict a batch of persons in crops off the middle of larger photos."""
    images, samples = batch(count)
    for index, sample in enumerate(samples):
        sample.set_metainfo(
            dict(
                input_center=np.float32([300.5 + index, 200.25]),
                input_scale=np.float32([90 + 7 * index, 90 + 7 * index]),
            )
        )
    model.test_cfg = test_cfg
    with torch.no_grad():
        return (way or type(model).predict)(model, images, samples)


def folded_of(model):
    (folded,) = model._folded.values()
    return folded


def check_same(found, expected, pixels=1e-4, scores=1e-5):
    for a, b in zip(found, expected, strict=True):
        one, other = a.pred_instances, b.pred_instances
        assert sorted(one.keys()) == sorted(other.keys())
        for name in one.keys():  # noqa: SIM118 (InstanceData is no mapping)
            assert isinstance(one[name], np.ndarray), name
            assert one[name].shape == other[name].shape, name
            assert one[name].dtype == other[name].dtype, name
            tolerance = pixels if name == 'keypoints' else scores
            np.testing.assert_allclose(one[name], other[name], rtol=0, atol=tolerance)
        assert ('pred_fields' in a) == ('pred_fields' in b)
        if 'pred_fields' in a:
            assert sorted(a.pred_fields.keys()) == sorted(b.pred_fields.keys())
            for name, value in a.pred_fields.items():
                torch.testing.assert_close(
                    value, b.pred_fields.get(name), rtol=1e-4, atol=scores
                )


@pytest.mark.parametrize(
    'test_cfg',
    [
        dict(),
        dict(output='detector'),
        dict(flip_test=True),
        dict(flip_test=True, output='detector'),
        dict(flip_test=True, output_heatmaps=True),
        dict(flip_test=True, output_heatmaps=True, output_keypoint_indices=[2, 0]),
    ],
    ids=lambda cfg: '-'.join(cfg) or 'plain',
)
def test_it_equals_mmpose_s_own_way(model, test_cfg):
    # Both views one after the other, samples converted one by one in numpy.
    expected = predict(model, TopdownPoseEstimator.predict, **test_cfg)
    check_same(predict(model, **test_cfg), expected)
    if test_cfg.get('flip_test'):
        check_same(predict(model, flip_batch=False, **test_cfg), expected)


def test_smaller_maps_and_another_refinement():
    codec = dict(type='GaussianConfidence', refinement='taylor')
    model = build_model(
        dict(heatmap_size=(SIDE // 4, SIDE // 4), decoder=codec), lively=True
    ).eval()
    expected = predict(model, TopdownPoseEstimator.predict, flip_test=True)
    check_same(predict(model, flip_test=True), expected)


def test_a_detector_alone():
    model = build_model(dict(refiner=None), lively=True).eval()
    expected = predict(model, TopdownPoseEstimator.predict, flip_test=True)
    check_same(predict(model, flip_test=True), expected)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.floats(-5000, 5000)] * 2, *[st.floats(1, 5000)] * 2),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 2**16),
)
def test_crops_are_undone_as_in_numpy(crops, seed):
    size = (192, 256)
    keypoints = np.random.default_rng(seed).uniform(-5, 260, (len(crops), PARTS, 2))
    keypoints = keypoints.astype(np.float32)
    samples = []
    for x, y, width, height in crops:
        sample = PoseDataSample(gt_instances=InstanceData())
        sample.set_metainfo(
            dict(
                input_center=np.float32([x, y]),
                input_scale=np.float32([width, height]),
                input_size=size,
            )
        )
        samples.append(sample)
    found = to_photo_pixels(torch.from_numpy(keypoints), samples).numpy()
    for points, one, (x, y, width, height) in zip(
        keypoints, found, np.float32(crops).astype(float), strict=True
    ):
        scale = np.array([width, height])
        expected = points / size * scale + [x, y] - 0.5 * scale
        np.testing.assert_allclose(one, expected, rtol=0, atol=1e-6)


def test_folding_changes_no_joint_and_no_weight(model):
    before = copy.deepcopy(model.state_dict())
    expected = predict(model, flip_test=True, output_heatmaps=True)
    found = predict(model, flip_test=True, output_heatmaps=True, fold=True)
    check_same(found, expected, scores=1e-4)
    assert list(model.state_dict()) == list(before)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert isinstance(folded_of(model).backbone.norm1, nn.Identity)
    # Copies and pickles of the model do not carry it.
    assert not copy.deepcopy(model)._folded
    assert not pickle.loads(pickle.dumps(model))._folded


def change_by_loading(model):
    state = copy.deepcopy(model.state_dict())
    state['head.refiner.tail.3.bias'] += 1
    model.load_state_dict(state)


def change_by_training(model):
    model.train()
    with torch.no_grad():
        model.head.refiner.tail[3].bias += 1
    model.eval()


def change_by_hand(model):
    with torch.no_grad():
        model.head.refiner.tail[3].bias += 1


def change_by_loading_a_part(model):
    part = model.head.refiner
    part.load_state_dict({k: v / 2 for k, v in part.state_dict().items()})


@pytest.mark.parametrize(
    'change',
    [
        change_by_loading,
        change_by_loading_a_part,
        change_by_training,
        change_by_hand,
        nn.Module.double,
    ],
)
def test_the_folded_copy_follows_the_weights(change):
    model = build_model(lively=True).eval()
    predict(model, fold=True)
    first = folded_of(model)
    change(model)
    if change is nn.Module.double:
        model.float()
    expected = predict(model)
    check_same(predict(model, fold=True), expected, scores=1e-4)
    assert folded_of(model) is not first
    # While nothing changes there is one copy.
    first = folded_of(model)
    predict(model, fold=True)
    assert folded_of(model) is first


def test_in_training_mode_nothing_is_folded(model):
    model = copy.deepcopy(model).train()
    predict(model, fold=True)
    assert not model._folded


@pytest.mark.parametrize('fold', [False, True])
def test_bfloat16_is_near_and_decoded_in_full(model, fold):
    expected = predict(model, output_heatmaps=True)
    found = predict(model, output_heatmaps=True, autocast='bfloat16', fold=fold)
    for a, b in zip(found, expected, strict=True):
        for name in ('heatmaps', 'detector_heatmaps'):
            one, other = a.pred_fields.get(name), b.pred_fields.get(name)
            assert one.dtype == torch.float32
            assert 0 < (one - other).abs().mean() < 0.03 * other.abs().max()
        heatmaps = a.pred_fields.heatmaps.flatten(1)
        np.testing.assert_array_equal(
            a.pred_instances.keypoint_scores[0], heatmaps.amax(1)
        )
    assert model.backbone.conv1.weight.dtype == torch.float32
    if fold:
        assert folded_of(model).backbone.conv1.weight.dtype == torch.bfloat16
        # Without it there is another copy again.
        predict(model, fold=True)
        assert folded_of(model).backbone.conv1.weight.dtype == torch.float32


@pytest.mark.parametrize('fold', [False, True])
def test_autocast_around_the_model_sets_its_precision_but_not_the_decoder_s(
    model, fold
):
    expected = predict(model, output='detector', output_heatmaps=True)
    with torch.autocast('cpu', torch.bfloat16):
        found = predict(model, output='detector', output_heatmaps=True, fold=fold)
    for a, b in zip(found, expected, strict=True):
        maps = a.pred_fields.detector_heatmaps
        exact = b.pred_fields.detector_heatmaps
        assert 0 < (maps - exact).abs().mean() < 0.03 * exact.abs().max()
        points, _ = model.head.detector_codec.decode_batch(maps[None])
        photo = to_photo_pixels(points, [b])
        np.testing.assert_allclose(a.pred_instances.keypoints, photo, atol=1e-6)


def test_another_precision_gets_one_line(model):
    with pytest.raises(UserError, match=r"autocast must be one of .*got 'int8'"):
        predict(model, autocast='int8')
