"""See before hours of training whether COCO scores can be computed at their end."""

from collections.abc import Iterator

from mmengine.evaluator import Evaluator
from mmpose.evaluation.metrics import CocoMetric, PoseTrack18Metric
from xtcocotools import cocoeval

from phr_mmpose.compat import NoCOCOeval
from phr_mmpose.utils.errors import UserError


def check_coco_scores(evaluator: Evaluator) -> None:
    """Refuse COCO scores that could not be computed.

    Args:
        evaluator (Evaluator): What is to compute them, or other metrics.

    Raises:
        UserError: If xtcocotools is missing, or areas that the scores ask for.
    """
    for metric in _coco_metrics(evaluator):
        if cocoeval.COCOeval is NoCOCOeval:
            raise UserError(f'{type(metric).__name__}: {NoCOCOeval.MEND}')
        if metric.coco is None or not metric.use_area:
            continue
        for number, annotation in metric.coco.anns.items():
            if 'area' not in annotation:
                raise UserError(
                    f'{type(metric).__name__}: annotation {number} of its ann_file has '
                    'no "area"; add areas, or let use_area=False do without'
                )


def _coco_metrics(evaluator: Evaluator) -> Iterator[CocoMetric]:
    for metric in evaluator.metrics:
        # The metric of PoseTrack18 scores with a package of its own.
        if (
            isinstance(metric, CocoMetric)
            and not isinstance(metric, PoseTrack18Metric)
            and not metric.format_only
        ):
            yield metric
