"""Measure this cascade beside MMPose's own models, on one machine in one run.

Each case runs in a process of its own, once a round; the rounds follow each other,
so that a machine that drifts hurts all cases alike. README.md of this folder says
what the cases and the ratios mean.

Examples:
    python benchmarks/run.py --quick
    python benchmarks/run.py --json bench.json --table bench.md
    python benchmarks/run.py --device cuda --data data/lsp --weights stage_joint.pth
    python benchmarks/run.py --list
    python benchmarks/run.py --cases 'train/*/fp32' 'loader/*'
"""

import argparse
import datetime
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

if __name__ == '__main__':
    # Its own folder comes first on the path, in place of the repository.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from phr_mmpose.utils.cli import run

import torch

from benchmarks.machine import computes_bf16, describe_machine
from benchmarks.photos import link_lsp, make_synthetic
from benchmarks.plan import Case, all_cases, choose, rounds, sizes_for
from benchmarks.processes import measure_apart
from benchmarks.ratios import compute_ratios
from benchmarks.report import ratios_table, summarise_cases, table_page
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path, check_output
from phr_mmpose.utils.json_files import write_json

_REPEATS, _QUICK_REPEATS = 5, 1
# Photos and persons of the loaders.
_PHOTOS, _PERSONS = 40, 200
_QUICK_PHOTOS, _QUICK_PERSONS = 8, 40


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--device', choices=('cpu', 'cuda'), help='cuda if there is one'
    )
    parser.add_argument(
        '--quick', action='store_true', help='small sizes and one round: does all work?'
    )
    parser.add_argument(
        '--cases', nargs='+', metavar='NAME', help='these only; * stands for anything'
    )
    parser.add_argument('--list', action='store_true', help='list the cases and end')
    parser.add_argument(
        '--repeats', type=int, metavar='N', help='rounds (5; with --quick 1)'
    )
    parser.add_argument(
        '--threads', type=int, metavar='N', help="of each process (PyTorch's choice)"
    )
    parser.add_argument(
        '--data', metavar='DIR', help='LSP as prepared by tools/prepare_lsp.py'
    )
    parser.add_argument(
        '--weights', metavar='CKPT', help='of configs/phr_tiny_lsp.py, for the accuracy'
    )
    parser.add_argument('--json', metavar='FILE', help='write all numbers there')
    parser.add_argument('--table', metavar='FILE', help='write them there in markdown')
    args = parser.parse_args(argv)
    _check(args)
    return args


def _check(args: argparse.Namespace) -> None:
    for name in ('repeats', 'threads'):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise UserError(f'--{name} must be at least 1, got {value}')
    if args.device == 'cuda' and not torch.cuda.is_available():
        raise UserError('--device cuda: PyTorch finds no GPU here; take --device cpu')
    if args.data and not Path(args.data, 'annotations', 'lsp_train.json').is_file():
        raise UserError(
            f'--data {args.data}: has no annotations/lsp_train.json; prepare it with '
            'tools/prepare_lsp.py'
        )
    if args.weights and not Path(args.weights).is_file():
        raise UserError(f'--weights {args.weights}: no such file')
    for path in filter(None, (args.json, args.table)):
        check_output(path)
    args.device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    args.repeats = args.repeats or (_QUICK_REPEATS if args.quick else _REPEATS)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the cases and write the results.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If an argument is faulty, or a case failed (after the others
            were run and the results written).
    """
    args = parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        sizes = sizes_for(args.device, args.quick)
        cases = all_cases(
            args.device,
            sizes,
            folder,
            args.data,
            args.weights,
            computes_bf16(args.device),
        )
        cases = choose(cases, args.cases)
        if args.list:
            print('\n'.join(case.name for case in cases))
            return
        _prepare_photos(cases, args, folder)
        outcomes, failures = measure_all(cases, args)
    result = collect(outcomes, args, sys.argv[1:] if argv is None else argv)
    print('\n'.join(ratios_table(result['ratios'])))
    if args.json:
        write_json(args.json, result)
    if args.table:
        with atomic_path(args.table) as path:
            path.write_text(table_page(result))
    if failures:
        raise UserError(f'{len(failures)} case(s) failed: {", ".join(failures)}')


def _prepare_photos(cases: Sequence[Case], args: argparse.Namespace, folder: str):
    """Make the photos that the chosen cases read."""
    wanted = {c.options['photos'] for c in cases if c.kind == 'loader'}
    photos = _QUICK_PHOTOS if args.quick else _PHOTOS
    persons = _QUICK_PERSONS if args.quick else _PERSONS
    if 'synthetic' in wanted:
        make_synthetic(Path(folder, 'synthetic'), photos, persons)
    if 'lsp' in wanted and args.data:
        link_lsp(Path(folder, 'lsp'), args.data, persons)


def measure_all(
    cases: Sequence[Case], args: argparse.Namespace
) -> tuple[dict[str, list[dict]], list[str]]:
    """Measure all cases in turn, round after round.

    A case that fails is not tried again; the others go on. An interruption
    (Ctrl-C) ends it early, with what is measured by then.

    Args:
        cases (Sequence[Case]): The cases.
        args (argparse.Namespace): ``repeats`` and ``threads``.

    Returns:
        tuple: The outcomes by case that was run, and the names of those that failed.
    """
    outcomes: dict[str, list[dict]] = {case.name: [] for case in cases}
    failures = []
    for number, case in rounds(cases, args.repeats):
        done = outcomes[case.name]
        if any('reason' in outcome for outcome in done):
            continue
        try:
            done.append(measure_apart(case, args.threads))
        except KeyboardInterrupt:
            # An hour's work is in the rounds that are done.
            print(f'interrupted in round {number + 1}', file=sys.stderr, flush=True)
            break
        except UserError as error:
            print(f'failed: {error}', file=sys.stderr, flush=True)
            failures.append(case.name)
            done.append(dict(reason=str(error).removeprefix(f'{case.name}: ')))
        print(f'round {number + 1}/{args.repeats} {case.name} {_said(done[-1])}')
        sys.stdout.flush()
    return {name: done for name, done in outcomes.items() if done}, failures


def _said(outcome: dict) -> str:
    if 'reason' in outcome:
        return f'not measured: {outcome["reason"]}'
    numbers = {k: v for k, v in outcome.items() if isinstance(v, (int, float))}
    return ' '.join(f'{key} {value:.4g}' for key, value in numbers.items())


def collect(outcomes: dict, args: argparse.Namespace, command: Sequence[str]) -> dict:
    """Put together what is written as JSON.

    Args:
        outcomes (dict): From :func:`measure_all`.
        args (argparse.Namespace): The command line, read.
        command (Sequence[str]): The command line, as it was.

    Returns:
        dict: ``command``, ``date``, ``machine``, ``repeats``, ``sizes``,
        ``ratios``, ``cases`` (summaries) and ``rounds`` (all that was measured).
    """
    machine = describe_machine(args.device)
    if args.threads:
        machine['threads'] = args.threads
    return dict(
        command=shlex.join(['python', 'benchmarks/run.py', *command]),
        date=datetime.date.today().isoformat(),
        machine=machine,
        repeats=max(map(len, outcomes.values()), default=0),
        sizes=vars(sizes_for(args.device, args.quick)),
        ratios=compute_ratios(outcomes),
        cases=summarise_cases(outcomes),
        rounds=outcomes,
    )


if __name__ == '__main__':
    run(main)
