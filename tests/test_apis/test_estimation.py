"""Persons share batches, whatever photo they are on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmpose.apis import inference_topdown, init_model

from phr_mmpose.apis import (
    Persons,
    default_batch_size,
    estimate_heatmaps,
    estimate_photos,
    estimate_poses,
)
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.utils.errors import UserError

CONFIGS = Path(__file__).parents[2] / 'configs'
BOXES = np.array([[0, 0, 90, 120], [10, 20, 60, 90], [40, 0, 90, 50]], np.float32)


@pytest.fixture(scope='module')
def model(config, checkpoints):
    return load_pose_model(config, checkpoints['with_meta'], 'cpu')


@pytest.fixture
def batches(model, monkeypatch):
    """Sizes of the batches that the model is given."""
    sizes, step = [], model.test_step

    def counted(data):
        sizes.append(len(data['inputs']))
        return step(data)

    monkeypatch.setattr(model, 'test_step', counted)
    return sizes


@pytest.mark.parametrize('batch_size, expected', [(16, [3]), (3, [3]), (2, [2, 1])])
def test_a_photo_s_persons_are_bounded_batches(
    model, photo, batches, batch_size, expected
):
    poses = estimate_poses(model, photo, BOXES, batch_size=batch_size)
    assert batches == expected
    assert poses.box_scores.tolist() == [1, 1, 1]
    # As MMPose gives them, one by one.
    for index, box in enumerate(BOXES):
        (alone,) = inference_topdown(model, photo, box[None])
        np.testing.assert_allclose(
            poses.keypoints[index], alone.pred_instances.keypoints[0], atol=0.02
        )
        np.testing.assert_allclose(
            poses.scores[index], alone.pred_instances.keypoint_scores[0], atol=1e-4
        )


@pytest.mark.parametrize(
    'side, device, expected',
    [(256, 'cpu', 2), (96, 'cpu', 14), (1024, 'cpu', 1), (256, 'meta', 16)],
)
def test_a_batch_holds_more_small_crops(model, monkeypatch, side, device, expected):
    pipeline = [dict(type='TopdownAffine', input_size=(side, side))]
    monkeypatch.setitem(model.cfg.test_dataloader.dataset, 'pipeline', pipeline)
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 2)
    monkeypatch.setattr(model.data_preprocessor, '_device', torch.device(device))
    assert default_batch_size(model) == expected


def test_photos_share_batches(model, photo, batches):
    other = photo[:, ::-1].copy()
    scores = np.float32([0.5, 0.75])
    photos = [
        Persons(photo, BOXES[:1]),
        Persons(other, np.zeros((0, 4), np.float32)),
        Persons(other, BOXES[:2], scores),
    ]
    first, none, last = estimate_photos(model, photos, batch_size=2)
    assert batches == [2, 1]
    assert none.keypoints.shape == (0, 14, 2) and len(none) == 0
    assert last.box_scores is scores
    for poses, (image, boxes) in (
        (first, (photo, BOXES[:1])),
        (last, (other, BOXES[:2])),
    ):
        alone = estimate_poses(model, image, boxes)
        np.testing.assert_allclose(poses.keypoints, alone.keypoints, atol=0.02)
        np.testing.assert_allclose(poses.scores, alone.scores, atol=1e-4)
    assert estimate_photos(model, []) == []


def test_heatmaps_are_bounded_too(model, photo, batches):
    poses, heatmaps = estimate_heatmaps(model, photo, BOXES, batch_size=2)
    assert batches == [2, 1]
    assert heatmaps.refiner.shape == (3, 14, 48, 48)
    np.testing.assert_allclose(
        heatmaps.refiner.max((2, 3)), poses.scores, rtol=0, atol=1e-6
    )


def test_visibility_is_read_from_the_detector_s_heatmaps(model, photo):
    poses, heatmaps = estimate_heatmaps(model, photo, BOXES)
    corners = heatmaps.centers - heatmaps.sizes / 2
    shares = (poses.keypoints - corners[:, None]) / heatmaps.sizes[:, None]
    codec = model.head.detector_codec
    visible = codec.visibility(
        torch.from_numpy(heatmaps.detector),
        torch.from_numpy(shares * codec.input_size).float(),
    )
    np.testing.assert_allclose(visible, poses.visible, atol=1e-5)


def test_heatmaps_leave_the_model_s_options_as_they_are(model, photo):
    before = model.test_cfg
    estimate_heatmaps(model, photo, BOXES[:1])
    assert model.test_cfg is before


def test_visibility_comes_with_the_poses(model, photo):
    poses = estimate_poses(model, photo, BOXES)
    (alone,) = inference_topdown(model, photo, BOXES[:1])
    assert poses.visible.shape == poses.scores.shape
    np.testing.assert_allclose(
        poses.visible[0], alone.pred_instances.keypoints_visible[0], atol=1e-4
    )
    assert (np.abs(poses.visible - poses.scores) > 1e-3).any()


def test_a_loaded_model_is_fused(model):
    assert not any(
        isinstance(layer, torch.nn.BatchNorm2d) for layer in model.backbone.modules()
    )


def test_a_model_of_damaged_weights_is_named(config, checkpoints, photo):
    model = load_pose_model(config, checkpoints['with_meta'], 'cpu')
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(torch.nan)
    with pytest.raises(UserError, match='NaN'):
        estimate_poses(model, photo, BOXES)


@pytest.mark.parametrize('boxes', [BOXES, BOXES[:0]])
def test_a_model_that_is_no_cascade_has_no_such_heatmaps(photo, boxes):
    plain = init_model(
        str(CONFIGS / 'survey/simple_baseline_res50_lsp.py'), None, 'cpu'
    )
    with pytest.raises(UserError, match='give the config of a cascade'):
        estimate_heatmaps(plain, photo, boxes)


def test_a_detector_alone_has_no_heatmaps_of_a_refiner(photo):
    model = init_model(str(CONFIGS / 'hourglass_tiny_lsp.py'), device='cpu')
    poses, heatmaps = estimate_heatmaps(model, photo, BOXES[:1])
    assert heatmaps.refiner is None
    np.testing.assert_allclose(heatmaps.detector.max((2, 3)), poses.scores, atol=1e-6)
