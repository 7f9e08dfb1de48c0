"""Keep the persons of a data set as crops, so that training opens no photos.

For each person of a config's data set, the region that augmentation may show is
made as small as the input needs and kept as a JPEG, all in one LMDB file for each
annotation list. The config then names the file:

    train_dataloader = dict(dataset=dict(crop_cache='cache/mpii_train_256.lmdb'))

The tool says what to write there; for joined data sets, a list.

Interrupted, the tool goes on when it is called again. A changed list, crop or input
size asks for a new cache; so the data set says when it opens an old one.

Example:
    python tools/cache_crops.py configs/phr_res152_mpii.py --split train
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmengine.config import DictAction
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS
from tqdm import tqdm

from phr_mmpose.datasets.body.part_dataset import PartDataset
from phr_mmpose.datasets.crops.writer import write_crops
from phr_mmpose.datasets.joined_dataset import give_caches
from phr_mmpose.utils.cli import run
from phr_mmpose.utils.config import load_config, naming
from phr_mmpose.utils.errors import UserError


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='the config, a .py file')
    parser.add_argument(
        '--split', choices=('train', 'val', 'test'), default='train', help='(train)'
    )
    parser.add_argument(
        '--out',
        metavar='FILE',
        help="the cache, relative to the data set's data_root "
        "(the config's crop_cache, or cache/LIST_WIDTH.lmdb)",
    )
    parser.add_argument(
        '--quality', type=int, default=90, metavar='Q', help='JPEG quality (90)'
    )
    parser.add_argument(
        '--density',
        type=float,
        default=1.0,
        metavar='D',
        help='kept pixels for each of the input, along a side, where the crop is not '
        'augmented; 1.43 also keeps all that a crop narrowed to 0.7 shows (1)',
    )
    parser.add_argument(
        '--threads', type=int, default=os.cpu_count(), metavar='N', help='(all cores)'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override values of the config',
    )
    args = parser.parse_args(argv)
    if not 1 <= args.quality <= 100:
        raise UserError(f'--quality {args.quality}: give 1 to 100')
    if not 0.1 <= args.density <= 10:
        raise UserError(f'--density {args.density}: give 0.1 to 10')
    if args.threads < 1:
        raise UserError(f'--threads {args.threads}: give 1 or more')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Make the caches of one split.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If config or data are faulty, or a cache of that name was made
            from something else.
    """
    args = parse_args(argv)
    config = load_config(args.config, args.cfg_options)
    init_default_scope('mmpose')
    with naming(args.config):
        found = list(data_sets(config[f'{args.split}_dataloader'].dataset))
        if args.out and len(found) > 1:
            raise UserError(
                f'--out: the split joins {len(found)} data sets; leave --out away, or '
                'name their caches in the config: crop_cache=[...]'
            )
        built = [build(each, args.out) for each in found]
    names = [cache(dataset, name, args) for dataset, name in built]
    print(f'crop_cache={(names if len(names) > 1 else names[0])!r}')


def data_sets(config: Mapping) -> Iterator[Mapping]:
    """Give a data set's config, or those that it joins."""
    if 'datasets' in config:
        for each in give_caches(config['datasets'], config.get('crop_cache')):
            yield from data_sets(each)
    else:
        yield config


def build(config: Mapping, out: str | None) -> tuple[PartDataset, str | None]:
    """Build a data set without its cache.

    Returns:
        tuple: The data set, and the cache's name where one is given.
    """
    config = dict(config, lazy_init=True)
    name = config.pop('crop_cache', None)
    dataset = DATASETS.build(config)
    if not isinstance(dataset, PartDataset):
        kind = type(dataset).__name__
        raise UserError(
            f'{kind} has no annotation list of persons, which a crop cache needs'
        )
    return dataset, out or name


def cache(dataset: PartDataset, name: str | None, args: argparse.Namespace) -> str:
    """Make one cache.

    Returns:
        str: Its name, relative to ``data_root``.
    """
    items = dataset.load_data_list()
    plan = dataset.crop_plan(items)
    if name is None:
        stem = Path(dataset.ann_file).name.split('.')[0]
        name = f'cache/{stem}_{plan.geometry.input_size[0]}.lmdb'
    path = dataset.crop_cache_path(name)
    steps = write_crops(
        path,
        plan,
        items,
        density=args.density,
        quality=args.quality,
        threads=args.threads,
    )
    with tqdm(total=len(items), unit='persons', file=sys.stderr, leave=False) as bar:
        for held in steps:
            bar.update(held - bar.n)
    size = os.path.getsize(path) / 1e6
    print(f'{path}: {len(items):,} persons, {size:,.1f} MB')
    return name


if __name__ == '__main__':
    run(main)
