"""Supervision of all stacks and sizes, on scores made by hand."""

import pytest
import torch
from cascade_samples import PARTS, batch, build_model

from phr_mmpose.codecs import GaussianConfidence
from phr_mmpose.models import ConfidenceMSELoss, StackedDetectorHead
from phr_mmpose.utils.errors import UserError

SIDE = 64
HOURGLASS = dict(
    type='StackedHourglass',
    num_stacks=2,
    out_channels=PARTS,
    feat_channels=16,
    depth=2,
    num_scales=2,
)
HEAD = dict(
    input_size=(SIDE, SIDE),
    heatmap_size=(SIDE // 4, SIDE // 4),
    detector=dict(type='StackedDetectorHead', num_scales=2),
    detector_codec=dict(type='GaussianConfidence', sigma=1),
    loss_detector=dict(type='ConfidenceMSELoss'),
    stack='logits',
)


def score_maps(*values):
    """Scores of one keypoint, 4 x 4 and 2 x 2 by turns, each of one value."""
    sides = (4, 2) * (len(values) // 2)
    return [
        torch.full((1, 1, side, side), value)
        for side, value in zip(sides, values, strict=True)
    ]


FEATURES = torch.zeros(1, 8, 4, 4)


def supervise(coarse_targets, joint, values, flag=1.0):
    head = StackedDetectorHead(1, num_scales=2, coarse_targets=coarse_targets)
    codec = GaussianConfidence(input_size=(16, 16), heatmap_size=(4, 4), sigma=1)
    point = torch.tensor([[joint]], dtype=torch.float32)
    joints = point, *torch.full((2, 1, 1), flag)
    feats = (*score_maps(*values), FEATURES)
    return head.supervise(feats, joints, codec, ConfidenceMSELoss(reduction='sum'))


def gaussian(side, x, y):
    grid = torch.arange(side)
    return torch.exp(-((grid - x) ** 2 + (grid[:, None] - y) ** 2) / 2)


def test_the_last_stack_s_finest_scores_are_the_detector_s():
    head = StackedDetectorHead(1, num_scales=2)
    feats = (*score_maps(1.0, 2.0, 3.0, 4.0), FEATURES)
    assert head(feats, (4, 4)).unique().tolist() == [3]
    (coarser,) = head.coarser(feats)
    assert coarser.shape == (1, 1, 2, 2) and coarser.unique().tolist() == [4]


def test_all_stacks_and_sizes_are_supervised():
    # At (8, 4) px the joint lies in cell (2, 1), and at (0.75, 0.25) of cells twice
    # as large, where its Gaussian is as many cells wide.
    fine, coarse = gaussian(4, 2, 1), gaussian(2, 0.75, 0.25)
    values = (0.5, 0.25, 0.0, 1.0)
    found = supervise('drawn', [8, 4], values)
    expected = sum(
        (target - value).square().sum()
        for target, value in zip((fine, coarse) * 2, values, strict=True)
    )
    torch.testing.assert_close(found, expected)


def test_targets_can_be_shrunk():
    fine = gaussian(4, 2, 1)
    # The largest of the four cells in each.
    coarse = torch.tensor([[fine[1, 1], fine[1, 2]], [fine[2, 1], fine[2, 2]]])
    found = supervise('shrunk', [8, 4], (0.0, 0.0))
    torch.testing.assert_close(found, fine.square().sum() + coarse.square().sum())


@pytest.mark.parametrize('coarse_targets', ['drawn', 'shrunk'])
def test_a_joint_without_annotation_weighs_nothing_at_any_size(coarse_targets):
    assert supervise(coarse_targets, [8, 4], (0.5, 0.25, 0.0, 1.0), flag=0.0) == 0


def test_the_cascade_trains_every_score_and_refines_all_sizes():
    model = build_model(
        dict(HEAD, feature_index=-2, feature_channels=16), backbone=HOURGLASS
    )
    # 2 sizes of K heatmaps and the features of the last stack.
    assert model.head.refiner.in_channels == 2 * PARTS + 16
    assert model.head.refiner.output_stride == 1
    images, samples = batch(side=SIDE)
    feats = model.extract_feat(images)
    losses = model.head.loss(feats, samples)
    assert sorted(losses) == ['loss_detector', 'loss_refiner']
    losses['loss_detector'].backward()
    for stack in model.backbone.stacks:
        assert all(score.weight.grad.any() for score in stack.scores)


@pytest.mark.parametrize(
    ('index', 'channels', 'words'),
    [
        (-1, 16, 'feature_index -1 is none of the 5 feature maps'),
        (5, 16, 'give 0 to 4, or -2'),
        (-7, 16, 'feature_index -7'),
        (0, 16, 'feature map 0 of the backbone has 4 channels'),
        (-2, 32, 'has 16 channels, not the feature_channels 32'),
    ],
)
def test_a_feature_map_that_is_none_gets_one_line(index, channels, words):
    model = build_model(
        dict(HEAD, feature_index=index, feature_channels=channels), backbone=HOURGLASS
    )
    images, _ = batch(side=SIDE)
    with pytest.raises(UserError, match=words):
        model.head(model.extract_feat(images))


def test_what_the_refiner_reads():
    model = build_model(HEAD, backbone=HOURGLASS).eval()
    images, _ = batch(side=SIDE)
    read = []
    model.head.refiner.register_forward_pre_hook(lambda _, stack: read.append(stack[0]))
    for number, score in enumerate(model.backbone.stacks[-1].scores):
        torch.nn.init.constant_(score.bias, number + 1)
    with torch.no_grad():
        logits, _ = model.head(model.extract_feat(images))
    (stack,) = read
    assert torch.equal(stack[:, :3], images)
    # Constant maps stay what they are at any size.
    assert stack[:, 3 : 3 + PARTS].unique().tolist() == [1] == logits.unique().tolist()
    assert stack[:, 3 + PARTS :].unique().tolist() == [2]


@pytest.mark.parametrize(
    ('changes', 'backbone', 'words'),
    [
        (dict(num_scales=1), {}, 'same num_scales'),
        (dict(num_scales=3), {}, 'same num_scales'),
        ({}, dict(out_features=False), 'out_features=True'),
        ({}, dict(out_channels=PARTS + 1), rf'out_channels to {PARTS}'),
    ],
)
def test_scores_that_do_not_fit_get_one_line(changes, backbone, words):
    detector = dict(HEAD['detector'], **changes)
    model = build_model(
        dict(HEAD, detector=detector, refiner=None), backbone={**HOURGLASS, **backbone}
    )
    images, _ = batch(side=SIDE)
    with pytest.raises(UserError, match=words) as error:
        model.head(model.extract_feat(images))
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('stacks', [1, 2])
def test_scores_are_not_taken_for_features(stacks):
    detector = StackedDetectorHead(PARTS)
    scores = [torch.zeros(1, PARTS, 8, 8)] * stacks
    with pytest.raises(UserError, match='leave out_features=True'):
        detector(tuple(scores), (8, 8))
    features = torch.zeros(1, PARTS + 1, 8, 8)
    assert detector((*scores, features), (8, 8)) is scores[-1]


@pytest.mark.parametrize(
    ('wrong', 'words'),
    [
        (dict(num_scales=0), 'num_scales must be >= 1'),
        (dict(coarse_targets='painted'), "got 'painted'"),
    ],
)
def test_wrong_arguments(wrong, words):
    with pytest.raises(UserError, match=words):
        StackedDetectorHead(1, **wrong)
