"""A heatmap loss of joints together with their neighbours (MSS-Net)."""

from collections.abc import Callable, Mapping

import torch
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.models.losses import BCELoss
from mmpose.models.losses.heatmap_loss import AdaptiveWingLoss, FocalHeatmapLoss
from mmpose.registry import DATASETS, MODELS
from torch import Tensor, nn

from phr_mmpose.models.losses.heatmap_loss import takes_logits
from phr_mmpose.utils.errors import UserError

_COMBINATIONS = dict(sum=torch.sum, maximum=torch.amax)
# MMPose's losses whose formulas need targets, or outputs too, of at most 1.
_NEEDS_UNIT_RANGE = (AdaptiveWingLoss, BCELoss, FocalHeatmapLoss)


@MODELS.register_module()
class StructureAwareLoss(nn.Module):
    """A heatmap loss of each joint, and of each joint with its neighbours.

    The structure-aware loss of `Multi-Scale Structure-Aware Network for Human Pose
    Estimation <https://arxiv.org/abs/1803.09894>`_: ``loss`` of the heatmaps P
    against their targets G, and ``alpha`` times ``loss`` of P_S against G_S. P_S has
    for each joint the combination of its own heatmap with those of the joints that a
    link of the skeleton leads to. With ``ConfidenceMSELoss(reduction='sum')`` this is
    ``(1/K) sum_k (|P_k - G_k|^2 + alpha |P_Sk - G_Sk|^2)``.

    Choices made here, which the abstract leaves open: heatmaps are added; ``alpha``
    is 1; the second term of a joint weighs as much as the lightest joint in it, so
    that a joint that is not annotated takes its neighbours' second terms out (if
    ``loss`` heeds weights: MMPose's ``KeypointMSELoss`` needs ``use_target_weight``).

    Letters: B samples, K joints, H x W the heatmap grid.

    Args:
        metainfo (dict | str): Has the skeleton: a config's ``dataset_info``, a data
            set's ``metainfo``, or the name of a registered data set, for that of its
            class.
        loss (dict, optional): Of heatmaps (B, K, H, W), targets and weights (B, K).
            Defaults to ``ConfidenceMSELoss``.
        alpha (float): Weight of the second term, which at 1 is some three times as
            large as the first where errors of joints are independent: a sum of four
            heatmaps has four errors. Defaults to 1.
        combine (str): ``'sum'`` or ``'maximum'``, the only one for a loss of logits or
            one that needs values of at most 1, such as MMPose's ``FocalHeatmapLoss``.
            Defaults to ``'sum'``.

    Raises:
        UserError: If there is no skeleton, it names joints that are none, or an
            argument is out of its range.
    """

    def __init__(
        self,
        metainfo: Mapping | str,
        loss: dict | None = None,
        alpha: float = 1.0,
        combine: str = 'sum',
    ):
        super().__init__()
        if not 0 <= alpha < float('inf'):
            raise UserError(f'StructureAwareLoss alpha must be 0 or more, got {alpha}')
        if combine not in _COMBINATIONS:
            raise UserError(
                f'StructureAwareLoss combine must be one of {tuple(_COMBINATIONS)}, '
                f'got {combine!r}'
            )
        self.loss = MODELS.build(loss or dict(type='ConfidenceMSELoss'))
        self.takes_logits = takes_logits(self.loss)
        in_unit_range = isinstance(self.loss, _NEEDS_UNIT_RANGE)
        if combine == 'sum' and (self.takes_logits or in_unit_range):
            takes = 'logits' if self.takes_logits else 'heatmaps of at most 1'
            raise UserError(
                f'StructureAwareLoss: {type(self.loss).__name__} takes {takes}, '
                "which a sum of joints is not; set combine='maximum'"
            )
        self.alpha = alpha
        self.groups = _read_groups(metainfo)
        self._combine = _COMBINATIONS[combine]

    def forward(
        self, output: Tensor, target: Tensor, target_weight: Tensor | None = None
    ) -> Tensor:
        """Compute the loss.

        Args:
            output (Tensor): Predicted heatmaps (B, K, H, W).
            target (Tensor): Target heatmaps (B, K, H, W).
            target_weight (Tensor, optional): (B, K), or (B, 1, K) as MMPose stacks
                it. Defaults to all 1.

        Returns:
            Tensor: A scalar.

        Raises:
            UserError: If the skeleton is of another number of joints.
        """
        batch, joints = output.shape[:2]
        if joints != len(self.groups):
            raise UserError(
                f'StructureAwareLoss: its metainfo has {len(self.groups)} joints, the '
                f'heatmaps {joints}; give it the metainfo of the training data'
            )
        if target_weight is None:
            target_weight = output.new_ones(batch, joints, dtype=torch.float32)
        weights = target_weight.reshape(batch, joints)
        # Sums need more digits than a reduced precision has.
        output, target = output.float(), target.float()
        return self.loss(output, target, weights) + self.alpha * self.loss(
            self._grouped(output, self._combine),
            self._grouped(target, self._combine),
            self._grouped(weights, torch.amin),
        )

    def _grouped(self, values: Tensor, reduce: Callable[..., Tensor]) -> Tensor:
        """Reduce what (B, K, ...) has for each joint and its neighbours."""
        return torch.stack(
            [reduce(values[:, group], dim=1) for group in self.groups], dim=1
        )


def _read_groups(metainfo: Mapping | str) -> list[list[int]]:
    """Of each joint itself and the joints that a link leads to, by index."""
    parsed = _parsed(metainfo)
    if not parsed['skeleton_links']:
        name = parsed.get('dataset_name')
        raise UserError(
            f'StructureAwareLoss: the metainfo of {name!r} has no skeleton; name its '
            "links in skeleton_info, such as {0: dict(link=('hip', 'knee'), id=0)}"
        )
    groups = [{joint} for joint in range(parsed['num_keypoints'])]
    for link in parsed['skeleton_links']:
        if len(link) != 2:
            raise UserError(
                f'StructureAwareLoss: a link of the metainfo of '
                f'{parsed.get("dataset_name")!r} names {len(link)} joints, not two'
            )
        first, second = link
        groups[first].add(second)
        groups[second].add(first)
    return [sorted(group) for group in groups]


def _parsed(metainfo: Mapping | str) -> Mapping:
    """Read a metainfo as MMPose does, unless MMPose has read it already."""
    name = None
    if isinstance(metainfo, str):
        name = metainfo
        metainfo = getattr(DATASETS.get(name), 'METAINFO', None)
        if metainfo is None:
            raise UserError(
                f'StructureAwareLoss: no data set {name!r} is registered; give its '
                'name or its metainfo'
            )
    if not isinstance(metainfo, Mapping):
        raise UserError(
            f'StructureAwareLoss: metainfo={metainfo!r}; give the name of a data set, '
            'or its metainfo, a dict'
        )
    if 'skeleton_links' in metainfo and 'num_keypoints' in metainfo:
        return metainfo
    where = name or metainfo.get('dataset_name') or metainfo.get('from_file')
    try:
        return parse_pose_metainfo(metainfo)
    except KeyError as error:
        raise UserError(
            f'StructureAwareLoss: the metainfo of {where!r} names {error}, no joint of '
            'it, in skeleton_info or as a swap'
        ) from None
    except FileNotFoundError:
        raise UserError(
            f'StructureAwareLoss: no file {metainfo["from_file"]}, which metainfo '
            'names by from_file'
        ) from None
    except AssertionError:
        raise UserError(
            f'StructureAwareLoss: the metainfo of {where!r} is not whole; MMPose needs '
            'dataset_name, keypoint_info, skeleton_info, joint_weights and sigmas'
        ) from None
    except (TypeError, ValueError) as error:
        raise UserError(
            f'StructureAwareLoss: the metainfo of {where!r} is not as MMPose reads it '
            f'({error}); a link is {{0: dict(link=("hip", "knee"), id=0)}}'
        ) from None
