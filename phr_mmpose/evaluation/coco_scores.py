"""See before hours of training whether COCO scores can be computed at their end."""

from mmengine.evaluator import Evaluator
from mmpose.evaluation.metrics import CocoMetric, PoseTrack18Metric
from xtcocotools import cocoeval

from phr_mmpose.compat import NoCOCOeval
from phr_mmpose.utils.errors import UserError


def check_coco_scores(evaluator: Evaluator) -> None:
    """Refuse COCO scores where xtcocotools is missing.

    Args:
        evaluator (Evaluator): What is to compute them, or other metrics.

    Raises:
        UserError: Names what to install.
    """
    if cocoeval.COCOeval is not NoCOCOeval:
        return
    for metric in evaluator.metrics:
        # The metric of PoseTrack18 scores with a package of its own.
        if (
            isinstance(metric, CocoMetric)
            and not isinstance(metric, PoseTrack18Metric)
            and not metric.format_only
        ):
            raise UserError(f'{type(metric).__name__}: {NoCOCOeval.MEND}')
