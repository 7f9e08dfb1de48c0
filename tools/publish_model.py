"""Make a trained cascade one of the models that come with the package.

Writes the config, complete in itself, the weights in half precision, and a card.

Example:
    python tools/publish_model.py configs/phr_lite_lsp.py stage_finish.pth \
        --card card.json
"""

import argparse
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

import phr_mmpose.zoo
from phr_mmpose.apis.loading import meta_of
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.utils.checkpoint import get_state_dict, load_from_local
from phr_mmpose.utils.cli import run
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path
from phr_mmpose.zoo.shipped import CARD, CONFIG, WEIGHTS

# What inference and an evaluation read of a config, and where training goes on.
_KEPT = (
    'default_scope',
    'custom_imports',
    'env_cfg',
    'dataset_type',
    'data_mode',
    'data_root',
    'dataset_info',
    'model',
    'test_dataloader',
    'test_evaluator',
    'test_cfg',
    'default_hooks',
    'visualizer',
    'log_processor',
    'log_level',
)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the three files.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If config and weights are faulty or do not fit.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', type=Path)
    parser.add_argument('checkpoint', type=Path)
    parser.add_argument(
        '--card',
        type=Path,
        required=True,
        help='JSON: what data, licence, command and figures are to be told',
    )
    parser.add_argument(
        '--folder', type=Path, default=Path(phr_mmpose.zoo.__file__).parent
    )
    args = parser.parse_args(argv)
    card = read_card(args.card)
    config = load_config(args.config)
    for key in set(config.keys()) - set(_KEPT):
        config.pop(key)
    # Inference starts from its own weights.
    config.model.backbone.pop('init_cfg', None)
    checkpoint = load_from_local(args.checkpoint, 'cpu')
    meta = meta_of(checkpoint)
    if not meta:
        raise UserError(f'{args.checkpoint}: does not say which joints it knows')
    halves = {
        name: halved(value)
        for name, value in get_state_dict(checkpoint, args.checkpoint).items()
    }
    content = io.BytesIO()
    torch.save(dict(state_dict=halves, meta=dict(dataset_meta=meta)), content)
    target = args.folder / args.config.stem
    target.mkdir(parents=True, exist_ok=True)
    with atomic_path(target / WEIGHTS) as temporary:
        temporary.write_bytes(content.getvalue())
    with atomic_path(target / CONFIG) as temporary:
        temporary.write_text(config.pretty_text)
    card['sha256'] = hashlib.sha256(content.getvalue()).hexdigest()
    card['bytes'] = len(content.getvalue())
    with atomic_path(target / CARD) as temporary:
        temporary.write_text(json.dumps(card, indent=2) + '\n')
    load_pose_model(target / CONFIG, target / WEIGHTS, 'cpu')
    print(f'{target}: {card["bytes"] / 1e6:.1f} MB')


def read_card(path: Path) -> dict:
    """Read the card that is to be published."""
    try:
        card = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f'{path}: is no card: {error}') from error
    if not isinstance(card, dict):
        raise UserError(f'{path}: is no card: give one JSON object')
    return card


def halved(value: Tensor) -> Tensor:
    """Bring numbers to half precision; counters stay whole."""
    return value.half() if value.is_floating_point() else value


if __name__ == '__main__':
    run(main)
