"""Find the models that come with the package."""

import hashlib
import json
from pathlib import Path

from phr_mmpose.utils.config import config_folder
from phr_mmpose.utils.errors import UserError

_FOLDER = Path(__file__).parent
WEIGHTS, CARD = 'weights.pth', 'card.json'
DEFAULT_MODEL = 'phr_lite_lsp'


def list_models() -> list[str]:
    """Name the models that come with the package.

    Returns:
        list[str]: Their names, in alphabetical order.
    """
    return sorted(path.parent.name for path in _FOLDER.glob(f'*/{CARD}'))


def model_card(name: str) -> dict:
    """Read what is known of a model.

    Args:
        name (str): One of :func:`list_models`.

    Returns:
        dict: Its card.

    Raises:
        UserError: If there is no such model.
    """
    if name not in list_models():
        if Path(name).suffix == '.py':
            raise UserError(f'{name}: a config needs weights; give both')
        known = ', '.join(list_models()) or 'none'
        raise UserError(
            f'{name}: is no model that comes with the package ({known}); give one, or '
            'a config and its weights'
        )
    return json.loads((_FOLDER / name / CARD).read_text())


def model_files(name: str) -> tuple[str, str]:
    """Give the files of a model, as MMPose's tools and inferencer take them.

    Args:
        name (str): One of :func:`list_models`.

    Returns:
        tuple[str, str]: Paths of its config and of its weights.

    Raises:
        UserError: If there is no such model, or its weights are not those that its
            card speaks of.
    """
    card = model_card(name)
    folder = _FOLDER / name
    content = (folder / WEIGHTS).read_bytes()
    if hashlib.sha256(content).hexdigest() != card['sha256']:
        raise UserError(
            f'{folder / WEIGHTS}: is damaged (its checksum is another); install the '
            'package again'
        )
    return str(config_folder() / card['config']), str(folder / WEIGHTS)


def find_model(config: str | None, weights: str | None) -> tuple[str, str]:
    """Say which files a command line means.

    Args:
        config (str | None): A config; without weights one of :func:`list_models`,
            by default ``DEFAULT_MODEL``.
        weights (str | None): Its weights.

    Returns:
        tuple[str, str]: Paths of config and weights.

    Raises:
        UserError: If there is no such model, or weights come without a config.
    """
    if weights is None:
        return model_files(config or DEFAULT_MODEL)
    if config is None:
        raise UserError('--weights: needs --config CONFIG')
    return config, weights
