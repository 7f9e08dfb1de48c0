"""Convert the authors' published Torch7 weights (.t7) to the cascade of a config.

The checkpoint is used like any other of that config. Where the network is not the
cascade, a line says what is missing; with --as-is and configs/network_*.py it runs all
the same. No code that the file carries is run. See README.md beside this file.

Examples:
    python projects/released_weights/convert.py human_pose_mpii.t7 human_pose_mpii.pth
    python tools/test.py projects/released_weights/configs/cascade_mpii.py \
        human_pose_mpii.pth
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == '__main__':
    # Its own folder comes first on the path, in place of the repository.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from phr_mmpose.utils.cli import run

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpose.apis.inference import dataset_meta_from_config
from mmpose.models.builder import build_pose_estimator

from phr_mmpose.utils.config import ConfigOptions, building, load_config
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path
from projects.released_weights.matching import match_cascade
from projects.released_weights.models import Torch7Network

CONFIGS = Path(__file__).resolve().parent / 'configs'
# Sums in another order differ by this share of the heatmaps' largest value; another
# network by much more.
TOLERANCE = 1e-4


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', metavar='SRC.t7', help='the Torch7 file')
    parser.add_argument('out', metavar='OUT.pth', help='the checkpoint to write')
    parser.add_argument(
        '--config',
        default=str(CONFIGS / 'cascade_mpii.py'),
        help='the config of the cascade (configs/cascade_mpii.py of this project)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='override values of the config, such as model.head.stack=logits',
    )
    parser.add_argument(
        '--as-is',
        action='store_true',
        help='keep the network as it is, for configs/network_*.py',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Convert.

    Args:
        argv (Sequence[str] | None): Command line without the program's name; None
            takes the process's own.

    Raises:
        UserError: If the file is no whole Torch7 file, its network has a module that
            is not known or is not the cascade; or the config is faulty.
    """
    args = parse_args(argv)
    if Path(args.out).resolve() == Path(args.source).resolve():
        raise UserError(f'{args.out}: is the source itself; name another OUT.pth')
    network = Torch7Network(args.source)
    size = sum(weight.numel() for weight in network.parameters()) / 1e6
    print(f'{args.source}: {size:.2f} M weights')
    config = load_config(args.config, args.cfg_options)
    if args.as_is:
        weights = {
            f'backbone.{key}': each for key, each in network.state_dict().items()
        }
        user = f'configs/network_*.py and model.backbone.file={args.source}'
    else:
        weights = cascade_weights(args, config, network)
        user = args.config
    meta = dict(dataset_meta=dataset_meta_from_config(config, 'test'))
    with atomic_path(args.out) as temporary:
        torch.save(dict(state_dict=weights, meta=meta), temporary)
    print(f'{args.out}: use it with {user}')


def cascade_weights(
    args: argparse.Namespace, config: Config, network: torch.nn.Module
) -> dict[str, torch.Tensor]:
    """Take a cascade's weights out of a network.

    Raises:
        UserError: If it is not that cascade.
    """
    scope = DefaultScope.overwrite_default_scope('mmpose')
    with building(args.config, 'model'), scope:
        width, height = config.model.head.input_size
        cascade = build_pose_estimator(config.model).eval()
    noise = torch.Generator().manual_seed(0)
    images = torch.rand(1, 3, height, width, generator=noise)
    match = match_cascade(network, cascade, images)
    print(f'  {match.found} of the {match.layers} layers of {args.config} match')
    if not match.is_whole:
        raise UserError(
            f'{args.source} is not the cascade of {args.config}: its layer '
            f'{match.missing} is not there, connected like that; --as-is keeps the '
            'network as it is'
        )
    cascade.load_state_dict(match.weights)
    difference = largest_difference(network, cascade, images)
    print(f'  largest difference of the heatmaps: {difference:.1e} of their maximum')
    if difference > TOLERANCE:
        raise UserError(
            f'{args.source} has the weights of {args.config}, but computes something '
            'else; --as-is keeps the network as it is'
        )
    return match.weights


def largest_difference(
    network: torch.nn.Module, cascade: torch.nn.Module, images: torch.Tensor
) -> float:
    """Compare what a network and the cascade with its weights make of images.

    Args:
        network (torch.nn.Module): The network.
        cascade (torch.nn.Module): The cascade.
        images (torch.Tensor): (B, C, H, W).

    Returns:
        float: The largest difference of the heatmaps, as a share of their largest
        value.
    """
    with torch.no_grad():
        first = network(images)[-1]
        second = cascade(images, None, 'tensor')[-1]
    if first.shape != second.shape:
        return float('inf')
    scale = first.abs().max().clamp(min=1e-12)
    return float((first - second).abs().max() / scale)


if __name__ == '__main__':
    run(main)
