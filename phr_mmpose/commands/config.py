"""Write one of the project's configs, complete in itself, to be edited.

Examples:
    phr-config                                     # what there is
    phr-config phr_lite_lsp                        # phr_lite_lsp.py
    phr-config mssnet/mssnet_hg8_mpii --out my.py
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from phr_mmpose.utils.cli import run

from mmengine.config import Config

from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path, check_output
from phr_mmpose.zoo import config_folder


def command() -> None:
    """Run as the command ``phr-config``."""
    run(main)


def main(argv: Sequence[str] | None = None) -> None:
    """Write a config, or list them all.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If there is no such config, or the file is there already.
    """
    parser = argparse.ArgumentParser(
        prog='phr-config',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('name', nargs='?', help='the config (default: list them)')
    parser.add_argument(
        '--out', type=Path, metavar='FILE', help='where to write it (./NAME.py)'
    )
    args = parser.parse_args(argv)
    configs = named_configs()
    if args.name is None:
        print('\n'.join(configs))
        return
    if args.name not in configs:
        raise UserError(f'{args.name}: no such config; phr-config lists what there is')
    out = args.out or Path(configs[args.name].name)
    if out.exists():
        raise UserError(f'{out}: exists already; give another --out')
    check_output(out)
    config = load_config(configs[args.name])
    # Names with an underscore serve the file that they stand in.
    kept = {key: each for key, each in config.items() if not key.startswith('_')}
    with atomic_path(out) as temporary:
        temporary.write_text(Config(kept).pretty_text)
    print(out)


def named_configs() -> dict[str, Path]:
    """Find the project's configs.

    Returns:
        dict[str, Path]: By path within their folder, without the suffix, sorted.
    """
    folder = config_folder()
    paths = (path.relative_to(folder) for path in folder.rglob('*.py'))
    return {
        path.with_suffix('').as_posix(): folder / path
        for path in sorted(paths)
        if not any(part.startswith('_') for part in path.parts)
    }
