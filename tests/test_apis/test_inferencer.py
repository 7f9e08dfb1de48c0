"""MMPose's own inferencer runs the cascade."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmpose.apis import MMPoseInferencer, inference_topdown
from photo_samples import opencv_turns, with_orientation
from small_cascade import random_weights

from phr_mmpose.apis.pose_model import load_pose_model


@pytest.fixture(scope='module', params=['with_meta', 'without_meta'])
def inferencer(request, config, checkpoints) -> MMPoseInferencer:
    return MMPoseInferencer(
        pose2d=config,
        pose2d_weights=checkpoints[request.param],
        det_model='whole_image',
        device='cpu',
    )


def keypoints(result: dict) -> np.ndarray:
    """Keypoints (N, K, 2) of one photo's result."""
    return np.array([person['keypoints'] for person in result['predictions'][0]])


def test_a_path_an_array_and_a_folder_give_the_same(inferencer, folder, photo):
    path = folder / 'a.png'
    by_path = keypoints(next(inferencer(str(path))))
    assert by_path.shape == (1, 14, 2)
    assert len(np.unique(by_path[0], axis=0)) > 3
    np.testing.assert_allclose(keypoints(next(inferencer(photo))), by_path, atol=1e-3)
    # The inferencer itself stumbles over files whose kind it does not know.
    results = list(inferencer([str(path), str(folder / 'b.jpg')]))
    np.testing.assert_allclose(keypoints(results[0]), by_path, atol=1e-3)
    (folder / 'clip.mp4').unlink()
    results = list(inferencer(str(folder)))
    assert len(results) == 2
    np.testing.assert_allclose(keypoints(results[0]), by_path, atol=1e-3)


def test_it_draws_poses_and_heatmaps(inferencer, folder, photo, tmp_path):
    out = tmp_path / 'out'
    path = str(folder / 'a.png')
    result = next(inferencer(path, return_vis=True, out_dir=str(out)))
    assert result['visualization'][0].shape == photo.shape
    assert not np.array_equal(result['visualization'][0][..., ::-1], photo)
    drawn = cv2.imread(str(out / 'visualizations' / 'a.png'))
    assert drawn.shape == photo.shape
    saved = json.loads((out / 'predictions' / 'a.json').read_text())
    np.testing.assert_allclose(saved[0]['keypoints'], keypoints(result)[0])

    with_maps = next(inferencer(path, return_vis=True, draw_heatmap=True))
    # MMPose puts the heatmaps below the pose.
    assert with_maps['visualization'][0].shape == (240, 90, 3)


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'TIFF'])
def test_photos_are_turned_by_exif(inferencer, photo, tmp_path, kind):
    if not opencv_turns(kind):
        pytest.skip(f'OpenCV {cv2.__version__} turns no {kind}')
    path = tmp_path / f'photo.{kind.lower()}'
    path.write_bytes(with_orientation(photo, kind, 6))
    turned = np.rot90(photo, -1).copy()
    by_path = next(inferencer(str(path), return_vis=True))
    (person,) = by_path['predictions'][0]
    np.testing.assert_allclose(person['bbox'][0], [0, 0, 120, 90], atol=0.01)
    assert by_path['visualization'][0].shape == turned.shape
    if kind != 'JPEG':
        found = keypoints(next(inferencer(turned)))
        np.testing.assert_allclose(keypoints(by_path), found, atol=1e-3)


def test_several_persons_of_a_photo_are_estimated_as_if_alone(
    config, checkpoints, photo
):
    model = load_pose_model(config, checkpoints['with_meta'], 'cpu')
    assert model.test_cfg['flip_test']
    boxes = np.array([[0, 0, 90, 120], [10, 20, 60, 90], [40, 0, 90, 50]], np.float32)
    together = inference_topdown(model, photo, boxes)
    assert len(together) == 3
    for box, sample in zip(boxes, together, strict=True):
        (alone,) = inference_topdown(model, photo, box[None])
        np.testing.assert_allclose(
            sample.pred_instances.keypoint_scores,
            alone.pred_instances.keypoint_scores,
            atol=1e-5,
        )
        assert sample.pred_instances.bboxes.tolist() == [box.tolist()]


def test_flip_test_answers_a_mirrored_photo_with_the_mirrored_pose(
    config, photo, tmp_path
):
    # Maps of the input's size: smaller ones, mirrored, are moved by part of a
    # column, and which of the two is moved depends on the photo's side.
    path = tmp_path / 'full.py'
    path.write_text(
        f"_base_ = '{config}'\nmodel = dict(head=dict(heatmap_size=(96, 96)))\n"
    )
    checkpoint = tmp_path / 'full.pth'
    torch.save(dict(state_dict=random_weights(str(path))), checkpoint)
    model = load_pose_model(str(path), str(checkpoint), 'cpu')
    # A crop of 96 px, as many as the input has, from 3 px left of the photo: its
    # pixels are the photo's, and those of the mirrored photo in reverse order.
    box = np.array([[6.6, 21.6, 83.4, 98.4]], np.float32)
    straight = inference_topdown(model, photo, box)[0].pred_instances
    mirrored = inference_topdown(model, photo[:, ::-1].copy(), box)[0].pred_instances
    swap = model.dataset_meta['flip_indices']
    np.testing.assert_allclose(
        mirrored.keypoint_scores[:, swap], straight.keypoint_scores, rtol=1e-4
    )
    turned = mirrored.keypoints[:, swap] * [-1, 1] + [89, 0]
    np.testing.assert_allclose(turned, straight.keypoints, atol=1e-2)


def test_an_exported_cascade_runs_by_its_config(inferencer, exported, photo, tmp_path):
    path = tmp_path / 'onnx.py'
    path.write_text(
        f'_base_ = [{inferencer.inferencer.cfg.filename!r}]\n'
        f"model = dict(type='OnnxPoseEstimator', file={exported!r})\n"
    )
    by_file = MMPoseInferencer(pose2d=str(path), det_model='whole_image', device='cpu')
    np.testing.assert_allclose(
        keypoints(next(by_file(photo))), keypoints(next(inferencer(photo))), atol=0.05
    )
