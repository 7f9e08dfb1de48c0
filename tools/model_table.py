"""Write docs/models.md: what the model of each config reaches and costs.

Scores come from configs/metafile.yml, milliseconds from docs/latency.json, which
benchmarks/latency.py writes. Parameters and multiplications are counted: the model of
every config is built without memory for its weights.

Examples:
    python tools/model_table.py
    python tools/model_table.py --check
    python tools/model_table.py --configs my_configs --out my_models.md
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

from phr_mmpose.utils.cli import run

from mmengine.config import ConfigDict
from mmengine.fileio import load
from mmengine.registry import init_default_scope

import phr_mmpose  # noqa: F401  registers the models
from phr_mmpose.models.complexity import (
    Complexity,
    build_without_memory,
    complexity,
    heatmap_codec,
)
from phr_mmpose.models.heads.cascade_head import DETECTOR, REFINER
from phr_mmpose.utils.config import load_config, naming
from phr_mmpose.utils.errors import UserError, first_line
from phr_mmpose.utils.files import atomic_path

REPO = Path(__file__).resolve().parent.parent
FOLDERS = ('configs', 'configs/mssnet', 'configs/mssnet/tiny', 'configs/survey')
METAFILE = REPO / 'configs' / 'metafile.yml'
LATENCY = REPO / 'docs' / 'latency.json'
OUT = REPO / 'docs' / 'models.md'

_HEAD = """# Models

Generated: after a change of a config or a model, `python tools/model_table.py` writes
this page anew from [the metafile](../configs/metafile.yml) and
[measured times](latency.json). Input and heatmaps are width x height in pixels.
"""
_ZOO = """## What they reach

Scores are with flip test on the test photos of the data set named; an empty cell: not
trained here, or not scored on them. Milliseconds are those of the network alone for
one image ({machine}, {threads} threads, medians by `benchmarks/latency.py`); a flip
test doubles them. An empty cell: not measured.
"""
_COSTS = """## What they cost

For one image: parameters in millions, and 10^9 multiplications with addition (GMac) of
convolutions and matrix products.
"""
_ZOO_COLUMNS = ('config', 'input', 'trained on', 'score', 'M', 'GMac')
_FORMS = ('PyTorch', 'ONNX Runtime', 'int8')
_COLUMNS = (
    'config',
    'input',
    'heatmaps',
    *(
        f'{part}, {unit}'
        for unit in ('M', 'GMac')
        for part in ('detector', 'refiner', 'total')
    ),
)


# What of a model's config has neither parameters nor multiplications that count.
_FREE = {
    'data_preprocessor',
    'refiner_codec',
    'detector_codec',
    'init_cfg',
    'loss_detector',
    'loss_refiner',
    'stack',
    'test_cfg',
}


@dataclass(frozen=True)
class Counted:
    """A model's sizes and costs.

    Args:
        input_size (tuple[int, int]): Input in pixels, (w, h).
        map_size (tuple[int, int]): Maps in pixels, (w, h).
        costs (dict[str, Complexity]): By subnetwork.
    """

    input_size: tuple[int, int]
    map_size: tuple[int, int]
    costs: dict[str, Complexity]


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--configs',
        nargs='+',
        type=Path,
        default=[REPO / folder for folder in FOLDERS],
        metavar='DIR',
        help=f'folders, one table for each ({" ".join(FOLDERS)})',
    )
    parser.add_argument(
        '--out', type=Path, default=OUT, metavar='MD', help='the page (docs/models.md)'
    )
    parser.add_argument(
        '--check',
        action='store_true',
        help='write nothing; fail if the page is not what would be written',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Write or check the page.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If a folder holds no config, a config is faulty or, with
            ``--check``, the page is stale.
    """
    args = parse_args(argv)
    init_default_scope('mmpose')
    page = render(read_folders(args.configs), args.out)
    if args.check:
        if not args.out.is_file() or args.out.read_text() != page:
            raise UserError(
                f'{args.out}: not what the configs give; write it anew with '
                'python tools/model_table.py'
            )
        print(f'{args.out}: up to date')
        return
    with atomic_path(args.out) as temporary:
        temporary.write_text(page)
    print(args.out)


def read_folders(folders: Sequence[Path]) -> dict[Path, dict[Path, Counted]]:
    """Count the models of some folders' configs.

    Args:
        folders (Sequence[Path]): The folders; their own folders are not read, nor
            are files that begin with _.

    Returns:
        dict[Path, dict[Path, Counted]]: By folder and config, sorted by name.

    Raises:
        UserError: If a folder holds no config or a config is faulty.
    """
    known = {}
    found = {}
    for folder in folders:
        paths = sorted(folder.glob('[!_]*.py'))
        if not paths:
            raise UserError(f'{folder}: holds no config')
        found[folder] = {path: read_config(path, known) for path in paths}
    return found


def read_config(path: Path, known: dict[str, Counted]) -> Counted:
    """Count the model of a config.

    Args:
        path (Path): The config.
        known (dict[str, Counted]): Models counted before, of the same structure
            among them perhaps; this one is added.

    Raises:
        UserError: If it cannot be read, or its model cannot be built or run.
    """
    config = load_config(path)
    with naming(path):
        if 'model' not in config:
            raise UserError('config: has no model')
        structure = json.dumps(_costly(config.model), sort_keys=True, default=str)
        if structure not in known:
            known[structure] = count(config.model)
        return known[structure]


def count(config: ConfigDict) -> Counted:
    """Build a model without memory and count it.

    Args:
        config (ConfigDict): The model's config.

    Raises:
        UserError: If it cannot be built or run.
    """
    try:
        model = build_without_memory(config)
        codec = heatmap_codec(model)
        sizes = tuple(codec.input_size), tuple(codec.heatmap_size)
        return Counted(*sizes, complexity(model))
    except UserError:
        raise
    # Whatever the modules that a config names raise is a fault of the config.
    except Exception as error:
        raise UserError(f'its model cannot be counted: {first_line(error)}') from error


def render(folders: dict[Path, dict[Path, Counted]], out: Path) -> str:
    """Lay out the page.

    Args:
        folders (dict[Path, dict[Path, Counted]]): From :func:`read_folders`.
        out (Path): Where the page will be, for its links.

    Returns:
        str: Markdown.
    """
    page = [_HEAD, *_zoo(folders, out), _COSTS]
    for folder, models in folders.items():
        page += [f'### {_relative(folder, REPO)}', '', _line(_COLUMNS)]
        page.append(_line(['---'] * 3 + ['--:'] * (len(_COLUMNS) - 3)))
        page += [_line(_cells(path, model, out)) for path, model in models.items()]
        page.append('')
    return '\n'.join(page)


def _zoo(folders: dict[Path, dict[Path, Counted]], out: Path) -> list[str]:
    """The lines of the models that the metafile knows."""
    records = {REPO / each['Config']: each for each in load(METAFILE)['Models']}
    latency = load(LATENCY)
    columns = (*_ZOO_COLUMNS, *(f'ms, {form}' for form in _FORMS), 'weights')
    lines = [
        _line(_zoo_cells(path, model, record, latency['ms'], out))
        for models in folders.values()
        for path, model in models.items()
        if (record := records.get(path.resolve()))
    ]
    if not lines:
        return []
    head = _ZOO.format(
        machine=latency['machine']['processor'], threads=latency['threads']
    )
    return [head, _line(columns), _line(['---'] * len(columns)), *lines, '']


def _zoo_cells(
    path: Path, model: Counted, record: dict, times: dict, out: Path
) -> list[str]:
    cost = reduce(add, model.costs.values())
    measured = [times.get(f'{path.stem}, {form}', {}).get('network') for form in _FORMS]
    weights = record.get('Weights', '')
    return [
        f'[{path.stem}]({_relative(path, out.parent)})',
        f'{model.input_size[0]} x {model.input_size[1]}',
        ', '.join(record['Metadata']['Training Data']),
        '; '.join(
            f'{value} {metric}, {result["Dataset"]}'
            for result in record.get('Results', [])
            for metric, value in result['Metrics'].items()
        ),
        f'{cost.parameters / 1e6:.2f}',
        f'{cost.macs / 1e9:.2f}',
        *('' if each is None else f'{each["median"]:.1f}' for each in measured),
        f'[file]({_relative(REPO / weights, out.parent)})' if weights else '',
    ]


def _cells(path: Path, model: Counted, out: Path) -> list[str]:
    costs = [model.costs.get(name) for name in (DETECTOR, REFINER)]
    costs.append(reduce(add, model.costs.values()))
    return [
        f'[{path.stem}]({_relative(path, out.parent)})',
        *(
            f'{width} x {height}'
            for width, height in (model.input_size, model.map_size)
        ),
        *(f'{cost.parameters / 1e6:.2f}' if cost else '-' for cost in costs),
        *(f'{cost.macs / 1e9:.3f}' if cost else '-' for cost in costs),
    ]


def _costly(config: object) -> object:
    """What of a model's config its costs follow from."""
    if isinstance(config, dict):
        return {
            key: _costly(value) for key, value in config.items() if key not in _FREE
        }
    if isinstance(config, (list, tuple)):
        return [_costly(value) for value in config]
    return config


def _line(cells: Sequence[str]) -> str:
    return f'| {" | ".join(cells)} |'


def _relative(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path, start)).as_posix()


if __name__ == '__main__':
    run(main)
