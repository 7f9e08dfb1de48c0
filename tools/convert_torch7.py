"""Convert a Torch7 network (.t7), such as the authors' published weights.

Where the network is the cascade of a config, the checkpoint has the cascade's
weights; else it holds the network itself. Both load in configs/phr_released_*.py.
No code that the file carries is run. See docs/released.md.

Examples:
    python tools/convert_torch7.py human_pose_mpii.t7 human_pose_mpii.pth
    python tools/test.py configs/phr_released_mpii.py human_pose_mpii.pth
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpose.apis.inference import dataset_meta_from_config
from mmpose.models.builder import build_pose_estimator

from phr_mmpose.models.torch7 import (
    CascadeMatch,
    ReleasedPoseEstimator,
    Torch7Graph,
    convert,
    largest_difference,
    match_cascade,
)
from phr_mmpose.utils.cli import run
from phr_mmpose.utils.config import load_config, naming
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path

CONFIG = Path(__file__).resolve().parents[1] / 'configs' / 'phr_released_mpii.py'
# Sums in another order differ by this share of the maps' largest value; another
# network by much more.
TOLERANCE = 1e-4


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', metavar='SRC', help='the Torch7 file')
    parser.add_argument('out', metavar='OUT.pth', help='the checkpoint to write')
    parser.add_argument(
        '--config',
        default=str(CONFIG),
        help='the config of the cascade that is tried (configs/phr_released_mpii.py)',
    )
    parser.add_argument(
        '--generic',
        action='store_true',
        help='keep the network as it is, even if it is that cascade',
    )
    parser.add_argument(
        '--long-size',
        type=int,
        choices=(4, 8),
        help='bytes of a C long where the file was written (found out by default)',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Convert.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If the file is no whole Torch7 file, or holds no network of
            modules that are known; or the config is no cascade.
    """
    args = parse_args(argv)
    if Path(args.out).resolve() == Path(args.source).resolve():
        raise UserError(f'{args.out}: is the source itself; name another OUT.pth')
    graph = convert(args.source, args.long_size)
    weights = sum(weight.numel() for weight in graph.parameters())
    print(f'{args.source}: {len(graph.layers)} modules, {weights / 1e6:.2f} M weights')

    config = load_config(args.config)
    with naming(args.config):
        cascade = build(config)
    match = match_cascade(graph, cascade)
    print('\n'.join(f'  {line}' for line in match.report))
    state, kind = choose(graph, cascade, match, args.generic)
    meta = dict(
        dataset_meta=dataset_meta_from_config(config, 'test'),
        torch7=dict(source=Path(args.source).name, matched=match.parts),
    )
    with atomic_path(args.out) as temporary:
        torch.save(dict(state_dict=state, meta=meta), temporary)
    print(f'{args.out}: {kind}')


def build(config: Config) -> ReleasedPoseEstimator:
    """Build the model of a config, without memory for its weights.

    Raises:
        UserError: If it cannot hold what is converted.
    """
    with torch.device('meta'), DefaultScope.overwrite_default_scope('mmpose'):
        model = build_pose_estimator(config.model)
    if not isinstance(model, ReleasedPoseEstimator) or model.head.refiner is None:
        raise UserError(
            'model is no ReleasedPoseEstimator with a refiner; give '
            'configs/phr_released_mpii.py or one made from it'
        )
    return model


def choose(
    graph: Torch7Graph,
    cascade: ReleasedPoseEstimator,
    match: CascadeMatch,
    generic: bool,
) -> tuple[dict[str, torch.Tensor], str]:
    """Choose what the checkpoint holds.

    Args:
        graph (Torch7Graph): The network.
        cascade (ReleasedPoseEstimator): The cascade, on the device ``meta``.
        match (CascadeMatch): What of it the network is.
        generic (bool): Whether the network is wanted as it is.

    Returns:
        tuple: The weights, and what they are, for a person.
    """
    usable = 'use it with configs/phr_released_mpii.py or _lsp.py'
    if match.is_whole and not generic:
        cascade.load_state_dict(match.weights, assign=True)
        difference = largest_difference(graph, cascade)
        print(f'  largest difference of the maps: {difference:.1e} of their maximum')
        if difference <= TOLERANCE:
            return match.weights, f"the cascade's weights; {usable}"
        print('  that is too much: the network is kept as it is')
    elif {'detector', 'regressor'} <= set(match.parts):
        print(
            '  both parts match, but are connected in another way; if the maps are '
            "stacked without a sigmoid, give a --config with model.head.stack='logits'"
        )
    state = {f'graph.{key}': value for key, value in graph.state_dict().items()}
    if match.takes_images:
        return state, f'the network as it is; {usable}'
    if 'regressor' in match.parts and not generic:
        return match.weights, (
            "the regressor's weights by the cascade's names (head.refiner.…), for "
            "init_cfg=dict(type='Pretrained', prefix='head.refiner.', checkpoint=…)"
        )
    return state, (
        'the network as it is; it does not take images, so it is for '
        'phr_mmpose.models.torch7.Torch7Graph alone'
    )


if __name__ == '__main__':
    run(main)
