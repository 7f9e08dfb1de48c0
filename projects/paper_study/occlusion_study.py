"""Test a cascade on figures of which more and more is hidden.

Does the refiner find what the detector cannot see? At each level objects hide that
share of the joints; people and scenes stay the same. Writes a table, the numbers and a
plot: PCKh of visible and of occluded joints, of the detector's maps and of the
refiner's. Several checkpoints of one config (its seeds) give mean and deviation.

The table's column "hidden" is the share of the joints that are truly hidden, by
objects and by the own body, counted in the drawn figures.

Example:
    python projects/paper_study/occlusion_study.py \
        --config W/detection_regression/config.py \
        --checkpoint W/detection_regression/seed_*/stage_joint.pth --out occlusion
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == '__main__':
    # Its own folder comes first on the path, in place of the repository.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from phr_mmpose.utils.cli import check_within, run

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmengine.config import Config

from phr_mmpose.datasets.joints import MPII_JOINTS
from phr_mmpose.evaluation.functional.pck import column_joints, scored_joints
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path
from phr_mmpose.utils.json_files import write_json
from projects.paper_study.persons import read_persons
from projects.paper_study.tables import markdown_table, mean_and_spread, written
from projects.paper_study.testing import (
    check_checkpoints,
    run_test,
    subnetwork_options,
)

_SPLITS = ('visible', 'occluded')
# Okabe and Ito's colours, which stay apart for the colour-blind.
_COLOURS = {'detector': '#0072B2', 'refiner': '#D55E00'}
_STYLES = {'visible': '-', 'occluded': '--'}


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', required=True, metavar='PY')
    parser.add_argument('--checkpoint', required=True, nargs='+', metavar='PTH')
    parser.add_argument(
        '--levels',
        nargs='+',
        type=float,
        default=[0, 0.1, 0.2, 0.3],
        metavar='SHARE',
        help='shares of the joints that objects hide (0 0.1 0.2 0.3)',
    )
    parser.add_argument(
        '--num', type=int, metavar='N', help="figures (default: the config's)"
    )
    parser.add_argument(
        '--out', required=True, metavar='DIR', help='for occlusion.md, .json and .png'
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Test at each level and write the results.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If the config has no figures, a level is no share, or a test
            fails.
    """
    args = parse_args(argv)
    for level in args.levels:
        check_within('--levels', level, 0, 1)
    config = load_config(args.config)
    if config.test_dataloader.dataset.type != 'FigureDataset':
        raise UserError(
            f'{args.config}: its test data is no FigureDataset; only drawn figures can '
            'be hidden at will'
        )
    check_checkpoints(args.checkpoint)
    study, out = OcclusionStudy(), Path(args.out)
    for level in sorted(set(args.levels)):
        options = [f'test_dataloader.dataset.occlusion={level}']
        if args.num is not None:
            options.append(f'test_dataloader.dataset.num={args.num}')
        study.hidden[level] = hidden_share(config, level, args.num)
        for name, flags in subnetwork_options(config).items():
            print(f'{level:.0%} of the joints behind objects: {name}', flush=True)
            study.scores[level, name] = [
                run_test(args.config, checkpoint, *flags, '--cfg-options', *options)
                for checkpoint in args.checkpoint
            ]
        write_json(out / 'occlusion.json', study.as_dict())
        with atomic_path(out / 'occlusion.md') as temporary:
            temporary.write_text(study.as_markdown())
        study.draw(out / 'occlusion.png')
    print(study.as_markdown())


@dataclass
class OcclusionStudy:
    """What was measured.

    Args:
        hidden (dict[float, float]): By level, the share of the joints behind
            objects that was asked for: the share that is hidden in fact, by
            objects and the own body.
        scores (dict[tuple[float, str], list[dict]]): By level and subnetwork
            (``'detector'``, ``'refiner'``): percent by key, as
            ``tools/test.py`` writes them, of each checkpoint.
    """

    hidden: dict[float, float] = field(default_factory=dict)
    scores: dict[tuple[float, str], list[dict]] = field(default_factory=dict)

    @property
    def subnetworks(self) -> list[str]:
        """list[str]: The subnetworks that were tested."""
        return list(dict.fromkeys(part for _, part in self.scores))

    @property
    def measure(self) -> str:
        """str: Such as ``'PCKh@0.5'``."""
        return next(iter(self.scores.values()))[0]['measure']

    def values(self, level: float, part: str, split: str) -> list[float]:
        """Give the Total of one split, of each checkpoint that has such joints.

        Args:
            level (float): One of the levels.
            part (str): ``'detector'`` or ``'refiner'``.
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
                    **{part: self.scores[level, part] for part in self.subnetworks},
                )
                for level, hidden in self.hidden.items()
            ],
        )

    def as_markdown(self) -> str:
        """Return the table for people: Totals by level."""
        columns = [(part, split) for split in _SPLITS for part in self.subnetworks]
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
            for part in self.subnetworks:
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


def hidden_share(config: Config, level: float, num: int | None) -> float:
    """Count how much of the test figures' joints, of those that count, is hidden."""
    dataset = dict(config.test_dataloader.dataset, occlusion=level, pipeline=[])
    if num is not None:
        dataset['num'] = num
    persons = read_persons(dataset, [])
    scored = scored_joints(column_joints(MPII_JOINTS))
    visible, annotated = persons.visible[:, scored], persons.annotated[:, scored]
    return 1 - float(visible.sum() / annotated.sum())


if __name__ == '__main__':
    run(main)
