"""PCK and PCKh curves, one panel for each column of the tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from phr_mmpose.evaluation.functional.pck import (
    COLUMNS,
    column_joints,
    column_rates,
    splits,
)
from phr_mmpose.utils.errors import one_line
from phr_mmpose.utils.files import atomic_path
from phr_mmpose.utils.pictures import check_picture

_INK, _FAINT = '0.15', '0.85'
# Okabe and Ito's colours, which stay apart for the colour-blind.
_COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '0.4')
_STYLES = ('-', '--', '-.', ':')
_UNITS = {'PCK': 'torso lengths', 'PCKh': 'head sizes'}
_POINTS = 51


def pck_curve(
    distances: np.ndarray,
    counted: np.ndarray,
    columns: Mapping[str, Sequence[int]],
    thresholds: np.ndarray,
) -> dict[str, np.ndarray]:
    """Rate every column at every threshold.

    Args:
        distances (np.ndarray): Normalised distances of shape (N, K), N persons
            of K joints.
        counted (np.ndarray): Shape (N, K), non-zero for the instances to count.
        columns (Mapping[str, Sequence[int]]): Joint indices by column.
        thresholds (np.ndarray): Shape (T,).

    Returns:
        dict[str, np.ndarray]: Percent of shape (T,) for each of the tables'
        columns; NaN where nothing is counted.
    """
    rates = [column_rates(distances, counted, columns, float(t)) for t in thresholds]
    return {name: np.array([rate[name] for rate in rates]) for name in COLUMNS}


def draw_split_curves(
    distances: np.ndarray,
    annotated: np.ndarray,
    visible: np.ndarray | None,
    names: Sequence[str],
    measure: str,
    thr: float,
    path: str | Path,
    title: str = '',
) -> None:
    """Draw one system's curves of all, of visible and of occluded joints.

    Args:
        distances (np.ndarray): Normalised distances of shape (N, K), N persons
            of K joints.
        annotated (np.ndarray): Shape (N, K), non-zero where annotated.
        visible (np.ndarray | None): Shape (N, K), non-zero where annotated
            and visible; None where the data does not know.
        names (Sequence[str]): The K joint names.
        measure (str): ``'PCK'`` or ``'PCKh'``.
        thr (float): The last threshold.
        path (str | Path): Picture file; the suffix chooses the format.
        title (str): Headline. Defaults to none.

    Raises:
        UserError: If the suffix is of no kind that can be drawn.
    """
    systems = {
        f'{name} joints': (distances, mask)
        for name, mask in splits(annotated, visible).items()
    }
    draw_system_curves(systems, names, measure, thr, path, title)


def draw_system_curves(
    systems: Mapping[str, tuple[np.ndarray, np.ndarray]],
    names: Sequence[str],
    measure: str,
    thr: float,
    path: str | Path,
    title: str = '',
) -> None:
    """Draw several systems' curves.

    Args:
        systems (Mapping[str, tuple[np.ndarray, np.ndarray]]): For each name the
            normalised distances, shape (N, K), N persons of K joints, and what
            counts, shape (N, K), non-zero for the instances to count.
        names (Sequence[str]): The K joint names.
        measure (str): ``'PCK'`` or ``'PCKh'``.
        thr (float): The last threshold.
        path (str | Path): Picture file; the suffix chooses the format.
        title (str): Headline. Defaults to none.

    Raises:
        UserError: If the suffix is of no kind that can be drawn.
    """
    thresholds = np.linspace(0, thr, _POINTS)
    columns = column_joints(names)
    curves = {
        name: pck_curve(distances, counted, columns, thresholds)
        for name, (distances, counted) in systems.items()
    }
    draw_curves(curves, thresholds, measure, path, title)


def draw_curves(
    curves: Mapping[str, Mapping[str, np.ndarray]],
    thresholds: np.ndarray,
    measure: str,
    path: str | Path,
    title: str = '',
) -> None:
    """Draw the curves of one or several systems and save the picture.

    Args:
        curves (Mapping[str, Mapping[str, np.ndarray]]): For each system's name
            its curves from :func:`pck_curve`. The legend of each panel gives
            the rate at the last threshold.
        thresholds (np.ndarray): Shape (T,), ascending.
        measure (str): ``'PCK'`` or ``'PCKh'``.
        path (str | Path): Picture file; the suffix chooses the format.
        title (str): Headline. Defaults to none.

    Raises:
        UserError: If the suffix is of no kind that can be drawn.
    """
    check_picture(path)
    # Names of files are no formulas.
    style = {'font.size': 9, 'svg.fonttype': 'none', 'text.parse_math': False}
    with matplotlib.rc_context(style):
        figure = _figure(curves, thresholds, measure, title)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=160)


def _figure(
    curves: Mapping[str, Mapping[str, np.ndarray]],
    thresholds: np.ndarray,
    measure: str,
    title: str,
) -> Figure:
    figure = Figure(figsize=(11, 5.8), layout='constrained')
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 4, sharex=True, sharey=True)
    for panel, column in zip(panels.flat, COLUMNS, strict=True):
        for index, curve in enumerate(curves.values()):
            last = curve[column][-1]
            panel.plot(
                thresholds,
                curve[column],
                color=_COLOURS[index % len(_COLOURS)],
                linestyle=_STYLES[index // len(_COLOURS) % len(_STYLES)],
                linewidth=1.8,
                label=f'{last:.1f}' if np.isfinite(last) else '-',
                clip_on=False,
            )
        panel.set_title(column, color=_INK, fontweight='bold')
        panel.set(xlim=(0, thresholds[-1]), ylim=(0, 100))
        panel.grid(color=_FAINT, linewidth=0.7)
        panel.spines[['top', 'right']].set_visible(False)
        panel.legend(
            loc='best',
            title=f'at {thresholds[-1]:g}',
            framealpha=0.9,
            edgecolor='none',
        )
    for panel in panels[:, 0]:
        panel.set_ylabel(f'{measure} (%)')
    for panel in panels[1]:
        panel.set_xlabel(f'threshold ({_UNITS[measure]})')
    lines = panels[0, 0].get_lines()
    figure.legend(
        lines,
        [one_line(name) for name in curves],
        loc='outside lower center',
        ncols=min(len(lines), 4),
        frameon=False,
    )
    if title:
        figure.suptitle(one_line(title), color=_INK)
    return figure
