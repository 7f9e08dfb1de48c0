"""Both codecs in MMPose's own pipeline and head."""

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmpose.registry import KEYPOINT_CODECS, MODELS, TRANSFORMS

from phr_mmpose.codecs import BinaryDisc, GaussianConfidence

SIZES = dict(input_size=(32, 32), heatmap_size=(8, 8))
CODECS = [dict(type='BinaryDisc', **SIZES), dict(type='GaussianConfidence', **SIZES)]


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmpose')


def results(flags):
    keypoints = np.array([[[8, 12], [20, 4], [3, 3]]], np.float32)
    return dict(
        img=np.zeros((32, 32, 3), np.uint8),
        img_path='x.jpg',
        bbox=np.array([[0, 0, 32, 32]], np.float32),
        bbox_score=np.ones(1, np.float32),
        keypoints=keypoints,
        transformed_keypoints=keypoints,
        keypoints_visible=np.array([flags], np.float32),
        dataset_keypoint_weights=np.array([1, 0.5, 1], np.float32),
    )


def test_names():
    assert isinstance(KEYPOINT_CODECS.build(CODECS[0]), BinaryDisc)
    assert isinstance(KEYPOINT_CODECS.build(CODECS[1]), GaussianConfidence)


@pytest.mark.parametrize('codec', CODECS, ids=lambda codec: codec['type'])
def test_generate_target_hands_over_both_flags(codec):
    transform = TRANSFORMS.build(dict(type='GenerateTarget', encoder=codec))
    out = transform(results([[1, 1], [1, 0], [0, 0]]))
    expected = KEYPOINT_CODECS.build(codec).encode(
        out['transformed_keypoints'],
        np.array([[1, 1, 0]]),
        np.array([[1, 0, 0]]),
    )
    np.testing.assert_array_equal(out['heatmaps'], expected['heatmaps'])
    assert out['keypoint_weights'].tolist() == [[1, 1, 0]]
    # The occluded joint: absent for the detector, there for the refiner.
    assert out['heatmaps'][1].any() == (codec['type'] == 'GaussianConfidence')


def test_generate_target_with_one_flag_and_the_data_set_s_weights():
    transform = TRANSFORMS.build(
        dict(
            type='GenerateTarget', encoder=CODECS[0], use_dataset_keypoint_weights=True
        )
    )
    out = transform(results([1, 1, 0]))
    assert out['keypoint_weights'].tolist() == [[1, 0.5, 0]]
    assert out['heatmaps'].any(axis=(1, 2)).tolist() == [True, True, False]


@pytest.mark.parametrize('codec', CODECS, ids=lambda codec: codec['type'])
def test_a_stock_head_trains_on_and_decodes_our_maps(codec):
    torch.manual_seed(0)
    pipeline = [
        dict(type='GenerateTarget', encoder=codec),
        dict(type='PackPoseInputs', meta_keys=('img_path', 'flip_indices')),
    ]
    sample = results([[1, 1], [1, 1], [0, 0]])
    sample['flip_indices'] = [0, 1, 2]
    for transform in pipeline:
        sample = TRANSFORMS.build(transform)(sample)
    samples = [sample['data_samples']] * 2
    head = MODELS.build(
        dict(
            type='HeatmapHead',
            in_channels=4,
            out_channels=3,
            deconv_out_channels=None,
            loss=dict(type='KeypointMSELoss', use_target_weight=True),
            decoder=codec,
        )
    )
    feats = (torch.rand(2, 4, 8, 8),)
    losses = head.loss(feats, samples)
    losses['loss_kpt'].backward()
    assert torch.isfinite(losses['loss_kpt']) and losses['loss_kpt'] > 0
    predictions = head.predict(feats, samples)
    assert [p.keypoints.shape for p in predictions] == [(1, 3, 2)] * 2
    predictions = head.predict([feats, feats], samples, dict(flip_test=True))
    assert [p.keypoint_scores.shape for p in predictions] == [(1, 3)] * 2


def test_our_loss_in_a_stock_head():
    head = MODELS.build(
        dict(
            type='HeatmapHead',
            in_channels=4,
            out_channels=3,
            deconv_out_channels=None,
            loss=dict(type='SigmoidCrossEntropyLoss'),
        )
    )
    for parameter in head.parameters():
        torch.nn.init.zeros_(parameter)
    sample = results([[1, 1], [1, 1], [0, 0]])
    for transform in (
        dict(type='GenerateTarget', encoder=CODECS[0]),
        dict(type='PackPoseInputs'),
    ):
        sample = TRANSFORMS.build(transform)(sample)
    losses = head.loss((torch.rand(1, 4, 8, 8),), [sample['data_samples']])
    assert losses['loss_kpt'].item() == pytest.approx(np.log(2))


def test_a_coarser_codec_draws_as_many_of_its_own_pixels():
    codec = BinaryDisc(input_size=(64, 32), heatmap_size=(16, 8), radius=1)
    coarser = codec.coarser(4)
    assert (coarser.stride, coarser.heatmap_size) == (16, (4, 2))
    # Pixel 1 there covers 4 to 7 of the finer grid: its middle is 5.5, 22 px.
    maps, _ = coarser.encode_batch(torch.tensor([[[22.0, 22.0]]]))
    assert maps[0, 0].tolist() == [[0, 1, 0, 0], [1, 1, 1, 0]]
    assert (codec.stride, codec.heatmap_size) == (4, (16, 8))
    assert coarser.decode_batch(maps)[0].tolist() == [[[22, 22]]]


@pytest.mark.parametrize('factor', [2, 4])
@pytest.mark.parametrize('x', [40.0, 52.0, 66.0])
def test_an_enlarged_coarser_map_lies_where_the_finer_one_does(factor, x):
    codec = GaussianConfidence(input_size=(128, 128), heatmap_size=(32, 32), sigma=1)
    joint = torch.tensor([[[x, 64.0]]])
    coarse, _ = codec.coarser(factor).encode_batch(joint)
    twice, _ = codec.coarser(2).coarser(factor // 2).encode_batch(joint)
    torch.testing.assert_close(coarse, twice)
    enlarged = torch.nn.functional.interpolate(
        coarse, size=(32, 32), mode='bilinear', align_corners=False
    )
    for heatmap in (codec.encode_batch(joint)[0], enlarged):
        columns = heatmap[0, 0].sum(dim=0)
        middle = (columns * torch.arange(32)).sum() / columns.sum()
        assert middle.item() == pytest.approx(x / 4, abs=0.1)
