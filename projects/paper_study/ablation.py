"""Train and compare the rows of an ablation (paper, Table 5).

A row is a config of the folder --config-set (files that begin with _ are not). Each row
sees the same number of training images with the same seeds and data, then it is
evaluated. A row of several stages divides the images in the proportions of its config;
all stages keep their epochs, whose length is fitted. After every run ablation.md and
ablation.json in --work-dir are written anew, with the mean and the standard deviation
over the seeds.

Each step is one of this project's tools in a process of its own, its output in
W/ROW/seed_S/log.txt. Called again, the command goes on where it was stopped: finished
runs are not run again. A row that fails is reported in one line, the others go on, and
the exit code is 2 at the end.

Examples:
    python projects/paper_study/ablation.py --data data/lsp --images 30000 \
        --config-set projects/paper_study/configs/ablation_tiny --seeds 0 1 2 \
        --work-dir work_dirs/ablation_tiny
    python projects/paper_study/ablation.py --images 24000 --rows detection_regression \
        --config-set projects/paper_study/configs/ablation_figures \
        --work-dir work_dirs/figures
"""

import argparse
import hashlib
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == '__main__':
    # Its own folder comes first on the path, in place of the repository.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from phr_mmpose.utils.cli import run

from mmengine.registry import DefaultScope
from mmpose.registry import DATASETS

from phr_mmpose.engine.stages import config_stages
from phr_mmpose.utils.config import ConfigOptions, load_config, use_data
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path
from phr_mmpose.utils.json_files import write_json
from projects.paper_study.budget import fit_stages, use_short_epochs
from projects.paper_study.scores import read_scores
from projects.paper_study.starting import run_tool
from projects.paper_study.tables import Ablation, Row


class StepError(Exception):
    """A step of a row has failed, in one line."""


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--config-set', required=True, metavar='DIR', help='a folder of configs, rows'
    )
    parser.add_argument(
        '--work-dir', required=True, metavar='W', help='for runs and results'
    )
    parser.add_argument(
        '--images',
        type=int,
        required=True,
        metavar='N',
        help='training images of a row and seed, each as often as it comes',
    )
    parser.add_argument(
        '--data', metavar='DIR', help="the data, in place of the configs' data_root"
    )
    parser.add_argument('--seeds', nargs='+', type=int, default=[0], metavar='S')
    parser.add_argument(
        '--rows', nargs='+', metavar='ROW', help='only these, by the names of the files'
    )
    parser.add_argument(
        '--held-out',
        action='store_true',
        help="score on the configs' val_dataloader, to choose without the test data",
    )
    parser.add_argument(
        '--random-init',
        action='store_true',
        help='start from random weights where a config names pretrained ones',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='override values of all configs, such as train_dataloader.batch_size=8',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Run an ablation.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If the command is faulty, or a row has failed.
    """
    args = parse_args(argv)
    if args.images < 1:
        raise UserError(f'--images {args.images}: give a positive number')
    if args.data is not None and not Path(args.data).is_dir():
        raise UserError(f'--data {args.data}: no such folder')
    configs = choose_rows(Path(args.config_set), args.rows)
    seeds = list(dict.fromkeys(args.seeds))
    folder = Path(args.work_dir)
    budget = f'{args.images:,} images'
    if args.held_out:
        budget += ', scored on held-out data'
    failed: dict[str, str] = {}
    for name, config in configs.items():
        attempt(failed, name, fit, config, folder / name / 'config.py', args)
    # What lies in the folders of these was trained or scored otherwise.
    refused = dict(failed)
    # Seed by seed, so that all rows can be compared before the last seed is done.
    for seed in seeds:
        for name in configs:
            if name not in failed:
                attempt(failed, name, run_once, folder / name, seed, args)
            report(folder, configs, seeds, budget, failed, refused)
    report(folder, configs, seeds, budget, failed, refused)
    print((folder / 'ablation.md').read_text())
    if failed:
        raise UserError(
            f'{len(failed)} of {len(configs)} rows failed: {", ".join(failed)}'
        )


def choose_rows(folder: Path, names: Sequence[str] | None) -> dict[str, Path]:
    """Find the rows' configs, by name.

    Raises:
        UserError: If the folder has none, or not one of those asked for.
    """
    found = {path.stem: path for path in sorted(folder.glob('[!_]*.py'))}
    if not found:
        raise UserError(f'{folder}: no configs here; name a folder of them')
    for name in names or ():
        if name not in found:
            raise UserError(
                f'no row {name!r} in {folder}: it has {", ".join(sorted(found))}'
            )
    return {name: found[name] for name in names or found}


def attempt(failed: dict[str, str], name: str, step, *arguments: object) -> None:
    """Run a step of a row; where it fails, say and note why."""
    try:
        step(*arguments)
    except (StepError, UserError) as error:
        failed[name] = str(error)
        print(f'row {name} failed: {error}', file=sys.stderr, flush=True)


def fit(path: Path, out: Path, args: argparse.Namespace) -> None:
    """Fit a row's config to the budget.

    Raises:
        UserError: If the config, the data or the budget is faulty, or ``out`` was made
            from something else: runs that are compared must be trained alike.
    """
    config = load_config(path, args.cfg_options)
    if args.data is not None:
        use_data(config, args.data)
    if args.held_out:
        if config.val_dataloader.dataset == config.test_dataloader.dataset:
            raise UserError(
                f'{path}: its val_dataloader reads the test data; --held-out needs '
                'configs that hold others out'
            )
        config.test_dataloader = config.val_dataloader
        config.test_evaluator = config.val_evaluator
    text = f'{config.pretty_text}\n{args.images}'
    if args.random_init:
        text += '\nrandom weights'
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    if out.exists():
        if load_config(out).get('budget', {}).get('digest') != digest:
            raise UserError(
                f'{out} was fitted to another budget or config: delete it with what '
                'was trained by it, or name another --work-dir'
            )
        return
    with DefaultScope.overwrite_default_scope('mmpose'):
        samples = len(DATASETS.build(config.train_dataloader.dataset))
    stages, length = fit_stages(
        config_stages(config), args.images, config.train_dataloader.batch_size, samples
    )
    use_short_epochs(config, stages, length, samples)
    images = length * sum(stage['epochs'] for stage in stages)
    config.budget = dict(digest=digest, images=images)
    with atomic_path(out) as temporary:
        temporary.write_text(config.pretty_text)


def run_once(folder: Path, seed: int, args: argparse.Namespace) -> None:
    """Train a row with one seed and evaluate it, as far as that is not done."""
    fitted = folder / 'config.py'
    config = load_config(fitted)
    run_dir = folder / f'seed_{seed}'
    log = run_dir / 'log.txt'
    checkpoint = run_dir / f'stage_{config_stages(config)[-1]["name"]}.pth'
    if not (run_dir / 'training.json').exists():
        print(f'{folder.name}, seed {seed}: training', flush=True)
        begun = (run_dir / 'last_checkpoint').exists()
        before = cpu_seconds()
        options = ['--random-init'] if args.random_init else []
        call(
            log,
            *('train.py', fitted, '--work-dir', run_dir, '--seed', seed),
            *('--resume', '--no-validate', *options),
        )
        # What a killed process had used before is not known.
        minutes = None if begun else (cpu_seconds() - before) / 60
        write_json(run_dir / 'training.json', dict(core_minutes=minutes))
    outputs = {'scores': []}
    if config.model.head.get('refiner') is not None:
        outputs['detector'] = ['--output', 'detector']
    for name, options in outputs.items():
        if not (run_dir / f'{name}.json').exists():
            print(f'{folder.name}, seed {seed}: evaluating, {name}', flush=True)
            call(
                log,
                *('test.py', fitted, checkpoint, *options),
                *('--work-dir', run_dir / 'test'),
                *('--json', run_dir / f'{name}.json'),
                *('--out', run_dir / f'{name}.npz'),
            )


def call(log: Path, tool: str, *arguments: object) -> None:
    """Run one of this project's tools, its output appended to a file.

    Raises:
        StepError: If it fails, with its own last line.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, 'a') as output:
        done = run_tool(tool, *arguments, stdout=output, stderr=subprocess.STDOUT)
    if done.returncode:
        lines = [line for line in log.read_text(errors='replace').splitlines() if line]
        last = lines[-1] if lines else 'no output'
        if done.returncode < 0:
            last = f'killed by signal {-done.returncode}'
        raise StepError(f'{last.removeprefix("error: ")} (tools/{tool}, see {log})')


def cpu_seconds() -> float:
    """CPU time of all processes that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def report(
    folder: Path,
    configs: dict[str, Path],
    seeds: Sequence[int],
    budget: str,
    failed: dict[str, str],
    refused: dict[str, str],
) -> None:
    """Write what is known by now."""
    rows = [
        Row(name, failure=refused[name])
        if name in refused
        else read_row(folder / name, seeds, failed.get(name))
        for name in configs
    ]
    rows.sort(key=lambda row: (row.place, row.name))
    ablation = Ablation(rows, seeds, budget)
    write_json(folder / 'ablation.json', ablation.as_dict())
    with atomic_path(folder / 'ablation.md') as temporary:
        temporary.write_text(ablation.as_markdown())


def read_row(folder: Path, seeds: Sequence[int], failure: str | None) -> Row:
    """Collect the finished runs of a row."""
    row = Row(folder.name, failure=failure)
    if not (folder / 'config.py').exists():
        return row
    config = load_config(folder / 'config.py')
    about = config.get('row', {})
    row.title = about.get('title', folder.name)
    row.place = about.get('place', row.place)
    row.images = config.budget.images
    cascade = config.model.head.get('refiner') is not None
    for seed in seeds:
        run_dir = folder / f'seed_{seed}'
        names = ['training', 'scores', *(['detector'] if cascade else [])]
        paths = {name: run_dir / f'{name}.json' for name in names}
        if all(path.exists() for path in paths.values()):
            row.runs[seed] = {name: read_scores(path) for name, path in paths.items()}
    return row


if __name__ == '__main__':
    run(main)
