"""What the metrics of LSP and MPII share: collecting, rating, reporting."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from phr_mmpose.evaluation.functional.pck import normalized_distances
from phr_mmpose.evaluation.functional.visibility import visibility_rates
from phr_mmpose.evaluation.metrics.samples import (
    ground_truth_flags,
    to_numpy,
    told_visibility,
)
from phr_mmpose.evaluation.report import table
from phr_mmpose.evaluation.scoring import score
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path
from phr_mmpose.utils.joints_meta import joint_names


@dataclass
class RatedPoses:
    """Predictions and ground truth of N persons with K joints, counted from 0.

    Args:
        pred (np.ndarray): Shape (N, K, 2), pixels of the photo.
        gt (np.ndarray): Shape (N, K, 2), pixels of the photo.
        annotated (np.ndarray): Shape (N, K), bool.
        visible (np.ndarray | None): Shape (N, K), bool: annotated and
            visible; None where the data does not know.
        head_size (np.ndarray): Shape (N,), pixels of the photo; NaN where the
            data has none.
    """

    pred: np.ndarray
    gt: np.ndarray
    annotated: np.ndarray
    visible: np.ndarray | None
    head_size: np.ndarray


class KeypointPCK(BaseMetric):
    """Base of the metrics that fill the columns of the published tables.

    A subclass names its joints, in the orders that it can rate, and its reference
    length. Results are percent for ``Head, Shoulder, Elbow, Wrist, Hip, Knee, Ankle,
    Total``, each also as ``<key>_visible`` and ``<key>_occluded`` where the data knows
    visibility and such joints exist. ``visibility_AUC`` and ``visibility_ECE``, where
    data and model tell visibility, rate ``keypoints_visible`` of the predictions, see
    :func:`phr_mmpose.evaluation.functional.visibility.visibility_rates`. MMEngine's
    evaluator puts the prefix in front, as in ``lsp/Total``, so that several metrics go
    into one evaluator. How a column averages is said in
    :mod:`phr_mmpose.evaluation.functional.pck`.

    Args:
        thr (float): Threshold of the plain keys, in reference lengths.
        extra_thrs (Sequence[float]): Further thresholds, each reported for all
            joints under ``<key>@<threshold>``.
        out (str | Path | None): File ``….npz`` for the predictions: ``preds``
            (N, K, 2) in pixels counted from 0, in the order of the data set, as
            ``tools/eval_predictions.py`` reads them, and ``scores`` (N, K)
            where the model gives them. Defaults to None, which saves nothing.
        collect_device (str): See :class:`mmengine.evaluator.BaseMetric`.
        prefix (str | None): See :class:`mmengine.evaluator.BaseMetric`.
    """

    measure: str
    #: Joints that can be rated, in their order; none are any. And in words.
    joint_orders: tuple[tuple[str, ...], ...] = ()
    rates: str = ''

    def __init__(
        self,
        thr: float,
        extra_thrs: Sequence[float] = (),
        out: str | Path | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if out is not None and Path(out).suffix != '.npz':
            raise UserError(f'out={str(out)!r}: predictions are saved as .npz')
        self.thr = thr
        self.extra_thrs = tuple(extra_thrs)
        self.out = out

    @BaseMetric.dataset_meta.setter
    def dataset_meta(self, dataset_meta: Mapping | None) -> None:
        """Warn of joints in another order; MMEngine's loops set this.

        The meta information tells the joints of the files. A pipeline may bring them
        to another order, so that nothing is refused yet.

        Args:
            dataset_meta (Mapping | None): The data set's meta information.
        """
        BaseMetric.dataset_meta.fset(self, dataset_meta)
        names = joint_names(dataset_meta or {'keypoint_id2name': {}})
        if not names or not self.joint_orders:
            return
        # Joints of other names are taken to be those of the same place.
        if not any(
            len(names) == len(order)
            and all(
                name == joint or name not in order
                for name, joint in zip(names, order, strict=True)
            )
            for order in self.joint_orders
        ):
            MMLogger.get_current_instance().warning(
                '%s rates %s; the metainfo %r has %d, from %r to %r: the numbers are '
                'right only if the pipeline converts them',
                type(self).__name__,
                self.rates,
                dataset_meta.get('dataset_name'),
                len(names),
                names[0],
                names[-1],
            )

    @abstractmethod
    def prepare(
        self, poses: RatedPoses
    ) -> tuple[RatedPoses, tuple[str, ...], np.ndarray]:
        """Bring the poses to the benchmark's joints and measure the persons.

        Args:
            poses (RatedPoses): As the model and the data set give them.

        Returns:
            tuple: The poses of the benchmark's K joints, the K joints' names,
            and the reference lengths (N,).

        Raises:
            UserError: If no person can be measured.
        """

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Collect one batch.

        Args:
            data_batch (object): Not used.
            data_samples (Sequence[dict]): Of each sample ``pred_instances``
                with ``keypoints`` (1, K, 2) and ``gt_instances`` with
                ``keypoints`` (1, K, 2), the flags as :func:`ground_truth_flags`
                reads them, and if known ``head_size`` (1,).
        """
        for sample in data_samples:
            pred, gt = sample['pred_instances'], sample['gt_instances']
            annotated, visible = ground_truth_flags(gt)
            result = {
                'pred': to_numpy(pred['keypoints'])[0],
                'gt': to_numpy(gt['keypoints'])[0],
                'annotated': annotated,
            }
            if visible is not None:
                result['visible'] = visible
            size = to_numpy(gt['head_size']) if 'head_size' in gt else np.array(np.nan)
            result['head_size'] = size.reshape(-1)[0]
            seen = told_visibility(pred)
            if seen is not None:
                result['seen'] = seen
            if 'keypoint_scores' in pred:
                result['scores'] = to_numpy(pred['keypoint_scores'])[0]
            self.results.append(result)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Rate the collected persons, log the table, save the predictions.

        Args:
            results (list[dict]): One entry for each person.

        Returns:
            dict[str, float]: Percent by key, see the class. Plain keys are NaN
            where no joint of theirs is annotated; split keys are then absent.

        Raises:
            UserError: If no person can be rated.
        """
        if not results:
            raise UserError('nothing to evaluate: the data set gave no person')
        if self.out is not None:
            self._save(results)
        number = len(results[0]['gt'])
        if self.joint_orders and number not in map(len, self.joint_orders):
            raise UserError(f'{type(self).__name__} rates {self.rates}, not {number}')
        poses, names, reference = self.prepare(
            RatedPoses(
                *(_stack(results, key) for key in ('pred', 'gt', 'annotated')),
                _stack(results, 'visible'),
                _stack(results, 'head_size'),
            )
        )
        lacking = int(np.isnan(reference).sum())
        if lacking == len(reference):
            raise UserError('nothing to evaluate: no person has a reference length')
        distances = normalized_distances(poses.pred, poses.gt, reference)
        scores = score(
            distances,
            poses.annotated,
            poses.visible,
            names,
            self.measure,
            self.thr,
            self.extra_thrs,
        )
        left_out = f', {lacking} without a reference length left out' if lacking else ''
        MMLogger.get_current_instance().info(
            '%d persons%s\n%s', len(results) - lacking, left_out, table(scores.rows)
        )
        known = [
            (each['seen'][each['annotated']], each['visible'][each['annotated']])
            for each in results
            if 'seen' in each and 'visible' in each
        ]
        visibility = visibility_rates(known)
        return scores.metrics | {f'visibility_{k}': v for k, v in visibility.items()}

    def _save(self, results: list[dict]) -> None:
        arrays = {'preds': _stack(results, 'pred')}
        scores = _stack(results, 'scores')
        if scores is not None:
            arrays['scores'] = scores
        with atomic_path(self.out) as temporary:
            np.savez_compressed(temporary, **arrays)


def _stack(results: list[dict], key: str) -> np.ndarray | None:
    """Stack one entry of all persons; None unless each person has it."""
    if not all(key in result for result in results):
        return None
    return np.stack([result[key] for result in results])
