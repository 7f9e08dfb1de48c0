"""From crops to keypoints in the photo."""

import numpy as np
import pytest
import torch
from cascade_samples import SIDE, batch, build_model

from phr_mmpose.models.fusing import fuse_conv_bn
from phr_mmpose.models.heads.cascade_head import mirror_back


@pytest.fixture(scope='module')
def model():
    return build_model(lively=True).eval()


def predict(model, count=3, **test_cfg):
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
        return model.predict(images, samples)


def heatmaps_of(model, flip_test=False):
    """Both heatmaps of the batch, by the subnetworks themselves."""
    images, samples = batch(3)
    views = []
    with torch.no_grad():
        for view in (images, images.flip(-1))[: 1 + flip_test]:
            logits, last = model.head(model.extract_feat(view))
            views.append((model.head.estimate(logits), last))
    if not flip_test:
        return views[0]
    indices = samples[0].flip_indices
    shift = 1 - 1 / model.head.detector_codec.stride
    return tuple(
        (straight + mirror_back(mirrored, indices, shift)) / 2
        for straight, mirrored in zip(*views, strict=True)
    )


@pytest.mark.parametrize('flip_test', [False, True])
@pytest.mark.parametrize('output', ['detector', 'refiner'])
@pytest.mark.parametrize('side', [SIDE, SIDE // 4])
def test_keypoints_scores_and_visibility_are_those_of_the_heatmaps(
    flip_test, output, side
):
    codec = dict(type='GaussianConfidence', refinement='taylor')
    model = build_model(
        dict(heatmap_size=(side, side), refiner_codec=codec), lively=True
    ).eval()
    found = predict(model, flip_test=flip_test, output=output, output_heatmaps=True)
    detector, last = heatmaps_of(model, flip_test)
    head = model.head
    chosen = detector if output == 'detector' else last
    points, scores = head.codecs[output].decode_batch(chosen)
    visible = head.detector_codec.visibility(detector, points)
    assert visible.unique().numel() > 1
    for index, sample in enumerate(found):
        person = sample.pred_instances
        zoom = (90 + 7 * index) / SIDE
        corner = np.array([300.5 + index, 200.25]) - (90 + 7 * index) / 2
        np.testing.assert_allclose(
            person.keypoints[0], points[index].numpy() * zoom + corner, atol=1e-3
        )
        np.testing.assert_allclose(person.keypoint_scores[0], scores[index], atol=1e-6)
        np.testing.assert_allclose(
            person.keypoints_visible[0], visible[index], atol=1e-6
        )
        assert person.keypoints.dtype == person.keypoints_visible.dtype == np.float32
        fields = sample.pred_fields
        torch.testing.assert_close(fields.detector_heatmaps, detector[index])
        torch.testing.assert_close(fields.heatmaps, last[index])


def test_chosen_keypoints_have_their_own_visibility(model):
    everything = predict(model)
    some = predict(model, output_keypoint_indices=[2, 0])
    for a, b in zip(some, everything, strict=True):
        for name in ('keypoints', 'keypoint_scores', 'keypoints_visible'):
            np.testing.assert_array_equal(
                a.pred_instances[name], b.pred_instances[name][:, [2, 0]]
            )


def test_a_detector_of_all_joints_cannot_tell_which_are_visible():
    codec = dict(type='GaussianConfidence', sigma=2)
    model = build_model(
        dict(
            detector_codec=codec,
            loss_detector=dict(type='ConfidenceMSELoss'),
            stack='logits',
        ),
        lively=True,
    ).eval()
    for sample in predict(model):
        person = sample.pred_instances
        np.testing.assert_array_equal(person.keypoints_visible, person.keypoint_scores)


def test_a_detector_alone():
    model = build_model(dict(refiner=None), lively=True).eval()
    (detector, last), found = heatmaps_of(model), predict(model, output_heatmaps=True)
    torch.testing.assert_close(detector, last)
    _, scores = model.head.detector_codec.decode_batch(detector)
    for index, sample in enumerate(found):
        person = sample.pred_instances
        np.testing.assert_allclose(person.keypoint_scores[0], scores[index], atol=1e-6)
        assert (person.keypoints_visible >= person.keypoint_scores).all()
        torch.testing.assert_close(sample.pred_fields.heatmaps, detector[index])


def test_a_fused_model_predicts_the_same(model):
    expected = predict(model, flip_test=True)
    fused = fuse_conv_bn(model)
    assert not any('BatchNorm' in type(m).__name__ for m in fused.backbone.modules())
    for a, b in zip(predict(fused, flip_test=True), expected, strict=True):
        for name, value in b.pred_instances.items():
            np.testing.assert_allclose(
                a.pred_instances[name], value, rtol=1e-4, atol=1e-4
            )


def test_autocast_sets_the_networks_precision_but_not_the_decoder_s(model):
    expected = predict(model, output='detector', output_heatmaps=True)
    with torch.autocast('cpu', torch.bfloat16):
        found = predict(model, output='detector', output_heatmaps=True)
    for a, b in zip(found, expected, strict=True):
        seen = a.pred_fields.detector_heatmaps
        exact = b.pred_fields.detector_heatmaps
        assert seen.dtype == torch.float32
        assert 0 < (seen - exact).abs().mean() < 0.03 * exact.abs().max()
        points, _ = model.head.detector_codec.decode_batch(seen[None])
        corner = b.input_center - b.input_scale / 2
        photo = points[0].numpy() * b.input_scale / SIDE + corner
        np.testing.assert_allclose(a.pred_instances.keypoints[0], photo, atol=1e-3)
