"""MMPose's own head with the detector's codec and loss: a config may mix them."""

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS, TRANSFORMS

import phr_mmpose  # noqa: F401

SIDE = 64
CODEC = dict(
    type='BinaryDisc',
    input_size=(SIDE, SIDE),
    heatmap_size=(SIDE // 4, SIDE // 4),
    radius=2,
)


@pytest.fixture(scope='module')
def batch():
    """Four persons as MMPose's pipeline packs them; a spot marks the first joint."""
    init_default_scope('mmpose')
    steps = [
        TRANSFORMS.build(step)
        for step in (
            dict(type='GetBBoxCenterScale', padding=1.0),
            dict(type='TopdownAffine', input_size=(SIDE, SIDE)),
            dict(type='GenerateTarget', encoder=CODEC),
            dict(type='PackPoseInputs'),
        )
    ]
    packed = [person(seed) for seed in range(4)]
    for step in steps:
        packed = [step(results) for results in packed]
    return dict(
        inputs=[results['inputs'] for results in packed],
        data_samples=[results['data_samples'] for results in packed],
    )


def person(seed):
    random = np.random.default_rng(seed)
    keypoints = random.uniform(8, 56, (1, 16, 2)).astype(np.float32)
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    x, y = keypoints[0, 0].astype(int)
    image[y - 5 : y + 6, x - 5 : x + 6] = 255
    return dict(
        img=image,
        img_shape=(SIDE, SIDE),
        ori_shape=(SIDE, SIDE),
        bbox=np.float32([[0, 0, SIDE, SIDE]]),
        bbox_score=np.ones(1, np.float32),
        keypoints=keypoints,
        keypoints_visible=np.ones((1, 16, 2), np.float32),
        dataset_keypoint_weights=np.ones(16, np.float32),
        flip_indices=list(range(16)),
        id=seed,
    )


def test_the_stock_head_trains_and_predicts(batch):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='TopdownPoseEstimator',
            data_preprocessor=dict(
                type='PoseDataPreprocessor', mean=[127.5] * 3, std=[64.0] * 3
            ),
            backbone=dict(type='ResNet', depth=18, base_channels=8),
            head=dict(
                type='HeatmapHead',
                in_channels=64,
                out_channels=16,
                deconv_out_channels=(32, 32, 32),
                deconv_kernel_sizes=(4, 4, 4),
                loss=dict(type='SigmoidCrossEntropyLoss'),
                decoder=CODEC,
            ),
        )
    )
    losses = train(model, batch, steps=20)
    # So early the head's logits are negative all over.
    assert_finite(predict(model, batch, flip_test=False))
    assert_finite(predict(model, batch, flip_test=True))
    losses += train(model, batch, steps=80)
    assert np.isfinite(losses).all() and losses[-1] < losses[0] / 10
    results = predict(model, batch, flip_test=False)
    assert_finite(results)
    # It has learnt these four persons by heart; a cell is 4 px.
    errors = [
        result.pred_instances.keypoints - result.gt_instances.keypoints
        for result in results
    ]
    assert np.median(np.linalg.norm(errors, axis=-1)) < 4


def train(model, batch, steps):
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    model.train()
    for _ in range(steps):
        total, _ = model.parse_losses(
            model(**model.data_preprocessor(batch, True), mode='loss')
        )
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(total.item())
    return losses


def predict(model, batch, flip_test):
    model.eval()
    model.test_cfg = dict(flip_test=flip_test)
    with torch.no_grad():
        return model(**model.data_preprocessor(batch, False), mode='predict')


def assert_finite(results):
    for result in results:
        predicted = result.pred_instances
        assert predicted.keypoints.shape == (1, 16, 2)
        assert np.isfinite(predicted.keypoints).all()
        assert np.isfinite(predicted.keypoint_scores).all()
