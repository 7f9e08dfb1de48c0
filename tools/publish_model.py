"""Make a trained cascade one of the models that come with the package.

Writes the weights in half precision and a card, which names the config.

Example:
    python tools/publish_model.py configs/phr_lite_lsp.py stage_finish.pth \
        --card card.json
"""

import argparse
import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from phr_mmpose.utils.cli import run

import torch
from torch import Tensor

import phr_mmpose.zoo
from phr_mmpose.apis.loading import meta_of
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.utils.checkpoint import get_state_dict, load_checkpoint
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.json_files import read_json, write_json
from phr_mmpose.zoo.shipped import CARD, WEIGHTS, config_folder


def main(argv: Sequence[str] | None = None) -> None:
    """Write the two files, after a look at whether they fit.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If card, config or weights are faulty or do not fit, the config is
            none of the project's, or numbers are beyond half precision.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', type=Path)
    parser.add_argument('checkpoint')
    parser.add_argument(
        '--card',
        type=Path,
        required=True,
        help='JSON: what is to be told of data, licence, command and figures',
    )
    parser.add_argument(
        '--folder', type=Path, default=Path(phr_mmpose.zoo.__file__).parent
    )
    args = parser.parse_args(argv)
    card = read_card(args.card)
    folder = config_folder().resolve()
    if not args.config.resolve().is_relative_to(folder):
        raise UserError(
            f'{args.config}: is not in {folder}, and no other config comes with the '
            'package; move it there'
        )
    checkpoint = load_checkpoint(args.checkpoint)
    meta = meta_of(checkpoint)
    if not meta:
        raise UserError(f'{args.checkpoint}: does not say which joints it knows')
    weights = halved(get_state_dict(checkpoint, args.checkpoint))
    args.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        made = Path(name)
        torch.save(
            dict(state_dict=weights, meta=dict(dataset_meta=meta)), made / WEIGHTS
        )
        content = (made / WEIGHTS).read_bytes()
        card |= dict(
            config=args.config.resolve().relative_to(folder).as_posix(),
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
        )
        write_json(made / CARD, card)
        load_pose_model(args.config, made / WEIGHTS, 'cpu')
        target = args.folder / args.config.stem
        target.mkdir(exist_ok=True)
        for file in (WEIGHTS, CARD):
            shutil.move(made / file, target / file)
    print(f'{target}: {len(content) / 1e6:.1f} MB')


def read_card(path: Path) -> dict:
    """Read the card that is to be published."""
    card = read_json(path, 'give a card, one JSON object')
    if not isinstance(card, dict):
        raise UserError(f'{path}: is no card: give one JSON object')
    return card


def halved(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Bring weights to half precision; batch statistics and counters stay.

    Raises:
        UserError: If a number is beyond half precision.
    """
    found = {
        name: value.half()
        if value.is_floating_point() and '.running_' not in name
        else value
        for name, value in weights.items()
    }
    for name, value in found.items():
        if not value.isfinite().all():
            raise UserError(f'{name}: holds numbers beyond half precision')
    return found


if __name__ == '__main__':
    run(main)
