"""Growth, drawn: time and memory against size."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from benchmarks.fits import fit_power
from phr_mmpose.utils.files import atomic_path
from phr_mmpose.utils.pictures import check_picture

_UNITS = dict(seconds='time (s)', memory_gb='memory (GB)')
_POINTS, _LINE = '#0072B2', '#D55E00'


def draw_growth(cases: Mapping[str, Mapping], path: str | Path) -> bool:
    """Draw each growth case, with its fit, on logarithmic axes.

    Args:
        cases (Mapping): From :func:`benchmarks.report.summarise_cases`.
        path (str | Path): Picture file; the suffix chooses the format.

    Returns:
        bool: Whether there was anything to draw.

    Raises:
        UserError: If the suffix is of no kind that can be drawn.
    """
    check_picture(path)
    measured = {
        name.removeprefix('growth/'): case
        for name, case in cases.items()
        if name.startswith('growth/') and 'reason' not in case
    }
    if not measured:
        return False
    figure = Figure(figsize=(2.9 * len(measured), 5.4), layout='constrained')
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(measured), squeeze=False, sharex='col')
    for column, (name, case) in zip(panels.T, measured.items(), strict=True):
        for panel, (key, label) in zip(column, _UNITS.items(), strict=True):
            _draw(panel, case, key)
            if panel in panels[:, 0]:
                panel.set_ylabel(label)
        column[0].set_title(name, fontweight='bold')
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=150)
    return True


def _draw(panel, case: Mapping, key: str) -> None:
    sizes = np.array(case['sizes'], float)
    medians = [point['median'] for point in case[key]]
    lows = [point['median'] - point['low'] for point in case[key]]
    highs = [point['high'] - point['median'] for point in case[key]]
    exponent, factor = fit_power(sizes, medians)
    panel.errorbar(
        sizes, medians, (lows, highs), fmt='o', color=_POINTS, markersize=4, capsize=2
    )
    label = f'exponent {exponent:.2f}'
    panel.plot(sizes, factor * sizes**exponent, color=_LINE, label=label)
    panel.set(xscale='log', yscale='log')
    # The measured sizes alone: between powers of ten matplotlib's crowd each other.
    panel.set_xticks(sizes, [f'{size:g}' for size in case['sizes']])
    panel.tick_params(axis='x', labelsize=8, labelrotation=45)
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter('{x:g}')
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_minor_locator(NullLocator())
    panel.grid(color='0.85', linewidth=0.7)
    panel.spines[['top', 'right']].set_visible(False)
    panel.legend(frameon=False)
