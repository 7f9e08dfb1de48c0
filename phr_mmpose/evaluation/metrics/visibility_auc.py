"""Seen or inferred: how well a model knows which keypoints are visible."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmpose.registry import METRICS

from phr_mmpose.evaluation.functional.visibility import reliability, visibility_rates
from phr_mmpose.evaluation.metrics.samples import ground_truth_flags, told_visibility
from phr_mmpose.evaluation.reliability_plot import draw_reliability
from phr_mmpose.utils.pictures import check_picture


@METRICS.register_module()
class VisibilityAUC(BaseMetric):
    """Rate ``keypoints_visible`` of the predictions as a classifier, on any data.

    ``LspPCKAccuracy`` and ``MpiiPCKhAccuracy`` report the same numbers; this one also
    draws them.

    ``AUC`` is the area under the ROC curve, in percent, of the annotated keypoints
    whose visibility the data knows; ``ECE`` the expected calibration error, in
    percent, over ten bins. Where the data knows of no hidden keypoint, or the model
    repeats its scores as visibility, nothing is reported.

    Args:
        plot (str | Path | None): Picture of the reliability: the share of visible
            keypoints over the probability that was predicted. Defaults to none.
        collect_device (str): See :class:`mmengine.evaluator.BaseMetric`.
        prefix (str | None): See :class:`mmengine.evaluator.BaseMetric`. Defaults to
            ``'visibility'``.

    Raises:
        UserError: If the picture's suffix is of no kind that can be drawn.
    """

    default_prefix = 'visibility'

    def __init__(
        self,
        plot: str | Path | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if plot is not None:
            check_picture(plot)
        self.plot = plot

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Collect one batch.

        Args:
            data_batch (object): Not used.
            data_samples (Sequence[dict]): Of each sample ``pred_instances`` with
                ``keypoints_visible`` (1, K) and if known ``keypoint_scores`` (1, K),
                and ``gt_instances`` with the flags as :func:`ground_truth_flags` reads
                them.
        """
        for sample in data_samples:
            annotated, visible = ground_truth_flags(sample['gt_instances'])
            if visible is None:
                continue
            found = told_visibility(sample['pred_instances'])
            self.results.append(
                None if found is None else (found[annotated], visible[annotated])
            )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Rate the collected keypoints.

        Args:
            results (list): Probabilities and flags of each person.

        Returns:
            dict[str, float]: ``AUC`` and ``ECE``, see the class; empty where the
            data or the model cannot tell.
        """
        if None in results:
            MMLogger.get_current_instance().warning(
                'VisibilityAUC: the model does not tell which keypoints are visible '
                '(its keypoints_visible repeat its scores), so nothing is rated'
            )
            return {}
        rates = visibility_rates(results)
        if self.plot is not None and not np.isnan(rates.get('AUC', np.nan)):
            probability, visible = map(np.concatenate, zip(*results, strict=True))
            found = reliability(probability, visible)
            draw_reliability(found, rates['AUC'] / 100, self.plot)
        return rates
