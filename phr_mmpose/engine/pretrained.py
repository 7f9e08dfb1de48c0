"""Weights that a config starts from, such as ImageNet's."""

from collections.abc import Iterator

from mmengine.config import ConfigDict
from mmengine.runner import CheckpointLoader

from phr_mmpose.utils.errors import UserError


def fetch_pretrained(model: ConfigDict) -> None:
    """See that the weights named in a model's config can be had.

    Downloads them where they are not there yet.

    Args:
        model (ConfigDict): The model's config.

    Raises:
        UserError: If they cannot be had; says how to go on without.
    """
    for _, source in _pretrained(model):
        try:
            CheckpointLoader.load_checkpoint(source, map_location='cpu')
        except Exception as error:  # loaders of URLs raise anything
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(
                f'the weights {source} to start from cannot be had ({reason}); go on '
                'from random weights with --random-init'
            ) from error


def forget_pretrained(model: ConfigDict) -> list[str]:
    """Remove the weights to start from out of a model's config.

    Each module then begins with its own default initialisation.

    Args:
        model (ConfigDict): The model's config, changed in place.

    Returns:
        list[str]: The weights that are now left out.
    """
    found = list(_pretrained(model))
    for owner, _ in found:
        owner.pop('init_cfg', None)
    return [source for _, source in found]


def _pretrained(config: object) -> Iterator[tuple[dict, str]]:
    """Give each config that has an init_cfg of type Pretrained, and its source."""
    if isinstance(config, dict):
        init = config.get('init_cfg')
        for each in init if isinstance(init, (list, tuple)) else (init,):
            if isinstance(each, dict) and each.get('type') == 'Pretrained':
                yield config, each['checkpoint']
        children = list(config.values())
    else:
        children = config if isinstance(config, (list, tuple)) else ()
    for child in children:
        yield from _pretrained(child)
