"""Draw accuracy against time: the model in the package beside BlazePose.

Milliseconds, from a crop to joints, come from docs/latency.json, which
benchmarks/latency.py writes.

Examples:
    python benchmarks/accuracy_time.py
    python benchmarks/accuracy_time.py --latency latency.json --out accuracy.png
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == '__main__':
    # Its own folder comes first on the path, in place of the repository.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from phr_mmpose.utils.cli import run

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmengine.fileio import load

from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path, check_output

REPO = Path(__file__).resolve().parent.parent
# PCK@0.2 of the twelve limb joints on LSP's test photos without flip test, see
# docs/results.md; by label and name in the measured times.
_OURS = {
    'int8': ('phr_lite_lsp, int8', 81.5),
    'ONNX Runtime': ('phr_lite_lsp, ONNX Runtime', 81.9),
    'PyTorch': ('phr_lite_lsp, PyTorch', 81.9),
}
_BLAZEPOSE = {
    size: (f'pose_landmark_{size}', pck)
    for size, pck in (('lite', 70.5), ('full', 76.2), ('heavy', 79.7))
}


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--latency',
        type=Path,
        default=REPO / 'docs' / 'latency.json',
        metavar='FILE',
        help='from benchmarks/latency.py --json (docs/latency.json)',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=REPO / 'docs' / 'images' / 'accuracy.png',
        metavar='PNG',
        help='the picture (docs/images/accuracy.png)',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the picture.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If a system has not been timed.
    """
    args = parse_args(argv)
    check_output(args.out)
    report = load(args.latency)
    figure = Figure(figsize=(6.4, 3.6), layout='constrained')
    FigureCanvasAgg(figure)
    axes, every_time = figure.subplots(), [6.0, 40.0]
    for title, systems, colour, marker in (
        ('phr_lite_lsp', _OURS, '#0072B2', 'o'),
        ('BlazePose', _BLAZEPOSE, '0.5', 's'),
    ):
        names, pck = zip(*systems.values(), strict=True)
        times = [_milliseconds(report, name, args.latency) for name in names]
        every_time += times
        axes.plot(times, pck, marker, color=colour, label=title)
        for label, *place in zip(systems, times, pck, strict=True):
            axes.annotate(
                label,
                place,
                (2, 6),
                textcoords='offset points',
                fontsize=8,
                rotation=60,
            )
    axes.set_xscale('log')
    axes.set_xticks([5, 10, 20, 40], labels=['5', '10', '20', '40'])
    axes.minorticks_off()
    axes.set(
        xlim=(0.8 * min(every_time), 1.25 * max(every_time)),
        ylim=(65, 90),
        xlabel=f'ms for one person, from crop to joints, {report["threads"]} threads',
        ylabel='PCK@0.2, 12 limb joints, LSP test',
    )
    axes.grid(alpha=0.3)
    axes.legend(loc='lower right')
    axes.spines[['top', 'right']].set_visible(False)
    with atomic_path(args.out) as temporary:
        figure.savefig(temporary, format='png', dpi=150)
    print(args.out)


def _milliseconds(report: dict, name: str, file: Path) -> float:
    try:
        return report['ms'][name]['person']['median']
    except KeyError:
        raise UserError(f'{file}: has no time of {name}') from None


if __name__ == '__main__':
    run(main)
