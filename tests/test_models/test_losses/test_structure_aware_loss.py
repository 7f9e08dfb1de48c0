"""Values and gradients by hand, on three joints in a row: a - b - c."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import MODELS

from phr_mmpose.models import StructureAwareLoss
from phr_mmpose.utils.errors import UserError

SUM = dict(type='ConfidenceMSELoss', reduction='sum')


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmpose')


def metainfo(*links, joints='abc'):
    return dict(
        dataset_name='row',
        keypoint_info={i: dict(name=name, id=i) for i, name in enumerate(joints)},
        skeleton_info={i: dict(link=tuple(link), id=i) for i, link in enumerate(links)},
        joint_weights=[1.0] * len(joints),
        sigmas=[0.1] * len(joints),
    )


ROW = metainfo('ab', 'bc')


def heatmaps(*values):
    """(1, K, 2, 2), each heatmap of one value."""
    maps = torch.tensor(values).view(1, -1, 1, 1).repeat(1, 1, 2, 2)
    return maps.requires_grad_()


def compute(output, weights=None, target=None, **arguments):
    loss = StructureAwareLoss(**{'metainfo': ROW, 'loss': SUM, **arguments})
    target = torch.zeros_like(output) if target is None else target
    weights = None if weights is None else torch.tensor([weights])
    value = loss(output, target, weights)
    value.backward()
    return value.item(), output.grad[0, :, 0, 0].tolist()


def test_sums_by_hand():
    # Errors 1, 2, 3; together with the neighbours 3, 6, 5; four pixels, K = 3.
    value, gradient = compute(heatmaps(1.0, 2.0, 3.0), alpha=0.5)
    assert value == pytest.approx(4 * (1 + 4 + 9 + 0.5 * (9 + 36 + 25)) / 3)
    # 2 / 3 of the own error, and half of that of each sum that it is part of.
    expected = [1 + (3 + 6) / 2, 2 + (3 + 6 + 5) / 2, 3 + (6 + 5) / 2]
    assert gradient == pytest.approx([2 / 3 * each for each in expected])


def test_maxima_by_hand():
    # The largest of each group: 2, 3, 3.
    value, gradient = compute(heatmaps(1.0, 2.0, 3.0), combine='maximum')
    assert value == pytest.approx(4 * (1 + 4 + 9 + 4 + 9 + 9) / 3)
    expected = [1, 2 + 2, 3 + 3 + 3]
    assert gradient == pytest.approx([2 / 3 * each for each in expected])


def test_targets_are_combined_alike():
    output, target = heatmaps(1.0, 1.0, 1.0), heatmaps(1.0, 2.0, 0.0).detach()
    # Errors 0, -1, 1; together with the neighbours -1, 0, 0.
    value, gradient = compute(output, target=target)
    assert value == pytest.approx(4 * (0 + 1 + 1 + 1) / 3)
    assert gradient == pytest.approx([2 / 3 * each for each in (-1, -2, 1)])


def test_a_joint_without_annotation_takes_its_neighbours_terms_out():
    # Without c only a's second term is left: a and b.
    value, gradient = compute(heatmaps(1.0, 2.0, 30.0), weights=[1.0, 1.0, 0.0])
    assert value == pytest.approx(4 * (1 + 4 + 9) / 3)
    assert gradient == pytest.approx([2 / 3 * (1 + 3), 2 / 3 * (2 + 3), 0])
    # Each term is a mean of its own.
    mean, _ = compute(
        heatmaps(1.0, 2.0, 30.0),
        weights=[1.0, 1.0, 0.0],
        loss=dict(type='ConfidenceMSELoss'),
    )
    assert mean == pytest.approx((1 + 4) / 2 + 9 / 1)
    # Without b none is.
    value, _ = compute(heatmaps(1.0, 2.0, 3.0), weights=[1.0, 0.0, 1.0])
    assert value == pytest.approx(4 * (1 + 9) / 3)


def test_alpha_0_is_the_loss_alone():
    value, _ = compute(heatmaps(1.0, 2.0, 3.0), alpha=0.0)
    assert value == pytest.approx(4 * 14 / 3)


def test_any_heatmap_loss():
    output = heatmaps(1.0, 2.0, 3.0)
    # MMPose's averages over joints and pixels, and takes weights (B, K).
    value, _ = compute(output, loss=dict(type='KeypointMSELoss'))
    assert value == pytest.approx((1 + 4 + 9 + 9 + 36 + 25) / 3)
    weights = torch.ones(1, 1, 3)
    loss = StructureAwareLoss(ROW, loss=SUM)
    assert loss(output, output * 0, weights) == loss(output, output * 0)


def test_logits_combine_by_their_maximum():
    cross_entropy = dict(type='SigmoidCrossEntropyLoss')
    with pytest.raises(UserError, match="combine='maximum'"):
        StructureAwareLoss(ROW, loss=cross_entropy)
    loss = StructureAwareLoss(ROW, loss=cross_entropy, combine='maximum')
    assert loss.takes_logits and not StructureAwareLoss(ROW).takes_logits
    # MMPose's losses are taken by what they are.
    for type_, options, takes in (
        ('KeypointMSELoss', {}, False),
        ('BCELoss', dict(use_sigmoid=True), False),
        ('BCELoss', {}, True),
    ):
        inner = dict(type=type_, **options)
        loss_of = StructureAwareLoss(ROW, loss=inner, combine='maximum')
        assert loss_of.takes_logits == takes
    # Logits far on the right side of the labels: a, or a with b, is seen.
    labels = heatmaps(1.0, 0.0, 0.0).detach()
    assert loss(200 * (labels - 0.5), labels).item() == pytest.approx(0, abs=1e-6)
    assert loss(-200 * (labels - 0.5), labels) > 50


@pytest.mark.parametrize(
    ('inner', 'fact'),
    [
        (dict(type='FocalHeatmapLoss'), 'FocalHeatmapLoss takes heatmaps of at most 1'),
        (dict(type='AdaptiveWingLoss'), 'AdaptiveWingLoss takes heatmaps of at most 1'),
        (dict(type='BCELoss', use_sigmoid=True), 'BCELoss takes heatmaps of at most 1'),
        (dict(type='BCELoss'), 'BCELoss takes logits'),
    ],
)
def test_heatmaps_of_at_most_1_combine_by_their_maximum(inner, fact):
    with pytest.raises(UserError, match=fact):
        StructureAwareLoss(ROW, loss=inner)
    loss = StructureAwareLoss(ROW, loss=inner, combine='maximum')
    output = torch.full((1, 3, 4, 4), 0.9, requires_grad=True)
    found = loss(output, torch.ones(1, 3, 4, 4))
    found.backward()
    assert found.isfinite() and output.grad.isfinite().all()


def test_half_precision_is_added_in_float32():
    output = heatmaps(1.0, 2.0, 3.0)
    expected = StructureAwareLoss(ROW)(output, output * 0)
    found = StructureAwareLoss(ROW)(output.bfloat16(), output * 0)
    assert found.dtype == torch.float32 and found == expected


@pytest.mark.parametrize(
    ('name', 'joints', 'neck'),
    [('MpiiPartDataset', 16, [7, 8, 9, 12, 13]), ('CocoDataset', 17, None)],
)
def test_a_data_set_s_name_stands_for_its_skeleton(name, joints, neck):
    loss = StructureAwareLoss(name)
    assert len(loss.groups) == joints
    if neck:
        # Thorax, itself, head top and both shoulders.
        assert loss.groups[8] == neck


def test_from_a_config_as_a_combined_data_set_has_it():
    loss = MODELS.build(
        ConfigDict(type='StructureAwareLoss', metainfo=metainfo('ab', 'ba', 'bc'))
    )
    # A link that is named twice is one.
    assert loss.groups == [[0, 1], [0, 1, 2], [1, 2]]


def test_from_a_file_or_a_data_set_that_is_built(tmp_path):
    path = tmp_path / 'row.py'
    path.write_text(f'dataset_info = {ROW!r}')
    from_file = dict(from_file=str(path))
    built = parse_pose_metainfo(from_file)
    for each in (from_file, built):
        assert StructureAwareLoss(each).groups == [[0, 1], [0, 1, 2], [1, 2]]
    path.write_text(f'dataset_info = {metainfo("ab", "bx")!r}')
    with pytest.raises(UserError, match="names 'x', no joint"):
        StructureAwareLoss(from_file)


@pytest.mark.parametrize(
    ('wrong', 'words'),
    [
        (dict(metainfo=metainfo('ab', 'bx')), "'row' names 'x', no joint"),
        (dict(metainfo=metainfo()), "'row' has no skeleton"),
        (dict(metainfo=dict(dataset_name='x', keypoint_info={})), "'x' is not whole"),
        (dict(metainfo={}), 'is not whole'),
        (dict(metainfo='CombinedDataset'), "'CombinedDataset' is not whole"),
        # Faces have no bones.
        (dict(metainfo='WFLWDataset'), "'wflw' has no skeleton"),
        (dict(metainfo=dict(from_file='nowhere.py')), 'no file nowhere.py'),
        (dict(metainfo='NoSuchDataset'), "no data set 'NoSuchDataset'"),
        (dict(metainfo=None), 'metainfo=None; give'),
        (dict(metainfo=metainfo('ab', 'a')), "of 'row' names 1 joints, not two"),
        (dict(metainfo=metainfo('ab', 'aba')), "of 'row' names 3 joints, not two"),
        (
            dict(metainfo=dict(ROW, skeleton_info={0: ('a', 'b')})),
            "of 'row' is not as MMPose reads it",
        ),
        (dict(alpha=-1.0), 'alpha must be 0 or more, got -1'),
        (dict(alpha=float('nan')), 'alpha must be 0 or more, got nan'),
        (dict(combine='mean'), "got 'mean'"),
    ],
)
def test_bad_arguments_get_one_line(wrong, words):
    with pytest.raises(UserError, match=words) as error:
        StructureAwareLoss(**{'metainfo': ROW, **wrong})
    assert '\n' not in str(error.value)


def test_another_number_of_joints_gets_one_line():
    output = heatmaps(1.0, 2.0)
    with pytest.raises(UserError, match='3 joints, the heatmaps 2'):
        StructureAwareLoss(ROW)(output, output)
