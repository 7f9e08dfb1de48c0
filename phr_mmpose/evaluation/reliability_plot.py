"""Pictures of how far a predicted visibility can be relied on."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from phr_mmpose.evaluation.functional.visibility import Reliability
from phr_mmpose.utils.files import atomic_path

_INK, _FAINT, _LINE = '0.15', '0.7', '#0072B2'


def draw_reliability(found: Reliability, auc: float, path: str | Path) -> None:
    """Draw the share of visible keypoints over the predicted probability.

    Args:
        found (Reliability): The bins.
        auc (float): Area under the ROC curve, from 0 to 1, for the headline.
        path (str | Path): Picture file; the suffix chooses the format.
    """
    figure = Figure(figsize=(4.4, 4.6), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=_FAINT, linewidth=1, linestyle='--')
    axes.plot(found.said, found.true, color=_LINE, linewidth=1.8, marker='o')
    for x, y, count in zip(found.said, found.true, found.count, strict=True):
        axes.annotate(
            f'{count:,}',
            (x, y),
            xytext=(-4, 3),
            textcoords='offset points',
            ha='right',
            fontsize=7,
            color=_INK,
            # A falling line would run through the number.
            path_effects=[withStroke(linewidth=2, foreground='white')],
        )
    axes.set(
        xlim=(-0.04, 1.04),
        ylim=(-0.04, 1.04),
        aspect='equal',
        xlabel='predicted probability that a joint is visible',
        ylabel='share of visible joints',
    )
    axes.set_title(
        f'AUC {auc:.3f}, calibration error {found.error:.3f}', color=_INK, fontsize=10
    )
    axes.spines[['top', 'right']].set_visible(False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=160)
