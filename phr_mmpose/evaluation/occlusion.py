"""The results of a test at several shares of hidden joints."""

from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from phr_mmpose.evaluation.ablation import markdown_table, mean_and_spread, written
from phr_mmpose.utils.files import atomic_path

_SPLITS = ('visible', 'occluded')
# Okabe and Ito's colours, which stay apart for the colour-blind.
_COLOURS = {'detector': '#0072B2', 'regressor': '#D55E00'}
_STYLES = {'visible': '-', 'occluded': '--'}


@dataclass
class OcclusionStudy:
    """What was measured.

    Args:
        hidden (dict[float, float]): By level, the share of the joints behind
            objects that was asked for: the share that is hidden in fact, by
            objects and the own body.
        scores (dict[tuple[float, str], list[dict]]): By level and part
            (``'detector'``, ``'regressor'``): percent by key, as
            ``tools/test.py`` writes them, of each checkpoint.
    """

    hidden: dict[float, float] = field(default_factory=dict)
    scores: dict[tuple[float, str], list[dict]] = field(default_factory=dict)

    @property
    def parts(self) -> list[str]:
        """list[str]: The parts that were tested."""
        return list(dict.fromkeys(part for _, part in self.scores))

    @property
    def measure(self) -> str:
        """str: Such as ``'PCKh@0.5'``."""
        return next(iter(self.scores.values()))[0]['measure']

    def values(self, level: float, part: str, split: str) -> list[float]:
        """Give the Total of one split, of each checkpoint that has such joints.

        Args:
            level (float): One of the levels.
            part (str): ``'detector'`` or ``'regressor'``.
            split (str): ``'visible'`` or ``'occluded'``.
        """
        found = (run.get(f'Total_{split}') for run in self.scores[level, part])
        return [value for value in found if value is not None]

    def as_dict(self) -> dict:
        """Return every number, unrounded, ready for JSON."""
        return dict(
            measure=self.measure,
            levels=[
                dict(
                    occlusion=level,
                    hidden=hidden,
                    **{part: self.scores[level, part] for part in self.parts},
                )
                for level, hidden in self.hidden.items()
            ],
        )

    def as_markdown(self) -> str:
        """Return the table for people: Totals by level."""
        columns = [(part, split) for split in _SPLITS for part in self.parts]
        header = [f'{split} joints, {part}' for part, split in columns]
        lines = [
            [
                f'{level:.0%}',
                f'{hidden:.1%}',
                *(written(self.values(level, *column)) for column in columns),
            ]
            for level, hidden in self.hidden.items()
        ]
        title = f'{self.measure}, behind objects'
        return markdown_table([title, 'hidden', *header], lines) + '\n'

    def draw(self, path: str | Path) -> None:
        """Plot the Totals over the levels.

        Args:
            path (str | Path): Picture file; the suffix chooses the format.
        """
        levels = list(self.hidden)
        shares = [100 * level for level in levels]
        with matplotlib.rc_context({'font.size': 9, 'svg.fonttype': 'none'}):
            figure = Figure(figsize=(6, 4), layout='constrained')
            FigureCanvasAgg(figure)
            panel = figure.subplots()
            for part in self.parts:
                for split in _SPLITS:
                    pairs = [
                        mean_and_spread(self.values(level, part, split))
                        for level in levels
                    ]
                    means, spreads = zip(*pairs, strict=True)
                    panel.errorbar(
                        shares,
                        means,
                        spreads,
                        color=_COLOURS[part],
                        linestyle=_STYLES[split],
                        marker='o',
                        markersize=4,
                        capsize=3,
                        label=f'{part}, {split} joints',
                    )
            panel.set_xticks(shares)
            panel.set_xlabel('joints behind objects (%)')
            panel.set_ylabel(f'{self.measure} (%)')
            panel.grid(color='0.85', linewidth=0.7)
            panel.spines[['top', 'right']].set_visible(False)
            figure.legend(loc='outside lower center', ncols=2, frameon=False)
            with atomic_path(path) as temporary:
                figure.savefig(temporary, dpi=160)
