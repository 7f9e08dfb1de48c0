"""Weights that a config starts from, such as ImageNet's."""

from collections.abc import Iterable, Iterator, Mapping

from mmengine.config import ConfigDict
from mmengine.model import BaseInit
from mmengine.runner import CheckpointLoader
from mmpose.registry import WEIGHT_INITIALIZERS
from torch import Tensor, nn

from phr_mmpose.utils.checkpoint import compare_weights
from phr_mmpose.utils.errors import UserError, first_line, one_line

# Arguments by which backbones such as TIMMBackbone get weights.
_ARGUMENTS = ('pretrained', 'checkpoint_path')
# How many modules are named for each kind of weights that do not fit.
_MODULES = 4


def fetch_pretrained(model: ConfigDict) -> None:
    """Make sure that the checkpoints named in a model's config are at hand.

    Downloads those that are missing.

    Args:
        model (ConfigDict): The model's config.

    Raises:
        UserError: If they cannot be obtained; says how to go on without them.
    """
    for _, _, loader in _pretrained(model):
        if loader['type'] != 'Pretrained':
            continue  # it says itself what it lacks when the model is initialised
        source = loader['checkpoint']
        try:
            CheckpointLoader.load_checkpoint(source, map_location='cpu')
        except Exception as error:  # loaders of URLs raise anything
            raise UserError(
                f'the weights {source} to start from cannot be had '
                f'({first_line(error)}); go on from random weights with --random-init'
            ) from error


def forget_pretrained(model: ConfigDict) -> list[str]:
    """Remove the initial weights from a model's config.

    Each module then begins with its own default initialisation.

    Args:
        model (ConfigDict): The model's config, changed in place.

    Returns:
        list[str]: The weights that are now left out.
    """
    found = list(_pretrained(model))
    for owner, key, _ in found:
        owner.pop(key, None)
    return [loader.get('checkpoint', loader['type']) for _, _, loader in found]


def describe_fit(
    model: nn.Module, state_dict: Mapping[str, Tensor], filename: str
) -> str | None:
    """Say what a run takes from a checkpoint of another model, and what it does not.

    mmengine loads what fits and leaves the rest as it was initialised.

    Args:
        model (nn.Module): The model that is to take the weights.
        state_dict (Mapping[str, Tensor]): The weights.
        filename (str): The checkpoint, to name it.

    Returns:
        str | None: A few lines; None where everything fits.

    Raises:
        UserError: If nothing fits.
    """
    fit = compare_weights(model, state_dict)
    if not fit.fitting:
        raise UserError(
            f'{filename} is a checkpoint of another model: none of its '
            f'{len(state_dict)} weights fits (first: {next(iter(state_dict))}); give '
            'one of a model that shares sub-modules with it'
        )
    kinds = {
        'of another shape': fit.misshaped,
        'missing': dict.fromkeys(fit.missing, ''),
        'unexpected': dict.fromkeys(fit.unexpected, ''),
    }
    lines = [f'  {kind}: {_grouped(keys)}' for kind, keys in kinds.items() if keys]
    if not lines:
        return None
    total = len(fit.fitting) + len(fit.misshaped) + len(fit.missing)
    head = (
        f'{filename}: {len(fit.fitting)} of {total} weights fit and are loaded, the '
        'others start at random'
    )
    return '\n'.join(map(one_line, [head, *lines]))


def _grouped(shapes: Mapping[str, str]) -> str:
    """Name weights by module, each with its number and its first weight."""
    for depth in (2, 1):
        groups: dict[str, list[str]] = {}
        for key, shape in shapes.items():
            *modules, name = key.split('.')
            prefix = '.'.join(modules[:depth]) or name
            rest = key.removeprefix(f'{prefix}.')
            groups.setdefault(prefix, []).append(f'{rest} {shape}'.rstrip())
        if len(groups) <= _MODULES:
            break
    named = [
        f'{len(found)} in {prefix} ({_first(found)})'
        for prefix, found in list(groups.items())[:_MODULES]
    ]
    if len(groups) > _MODULES:
        named.append(f'and others in {len(groups) - _MODULES} more')
    return ', '.join(named)


def _first(found: Iterable[str]) -> str:
    first, *others = found
    return f'{first}, …' if others else first


def _pretrained(config: object) -> Iterator[tuple[dict, str, dict]]:
    """Give each config that names weights, its key that does, and what loads them."""
    if isinstance(config, dict):
        init = config.get('init_cfg')
        for each in init if isinstance(init, (list, tuple)) else (init,):
            if isinstance(each, dict) and _loads_weights(each.get('type')):
                yield config, 'init_cfg', each
        for key in _ARGUMENTS:
            if config.get(key):
                yield config, key, dict(type=f'{key}={config[key]}')
        children = list(config.values())
    else:
        children = config if isinstance(config, (list, tuple)) else ()
    for child in children:
        yield from _pretrained(child)


def _loads_weights(initializer: str | type | None) -> bool:
    """Whether it takes weights from somewhere: those that draw them are BaseInit."""
    if isinstance(initializer, str):
        initializer = WEIGHT_INITIALIZERS.get(initializer)
    return initializer is not None and not issubclass(initializer, BaseInit)
