"""Reading a config, with one line where it cannot be read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from phr_mmpose.utils.errors import UserError


def load_config(path: str | Path, options: Mapping[str, Any] | None = None) -> Config:
    """Read a config file and override some of its values.

    Args:
        path (str | Path): The config, a ``.py`` file.
        options (Mapping[str, Any], optional): Dotted keys and their values, as
            ``--cfg-options`` gives them.

    Returns:
        Config: The config.

    Raises:
        UserError: If there is no such file, it cannot be read, or an option
            does not fit.
    """
    if not Path(path).is_file():
        raise UserError(f'{path}: no such config')
    try:
        config = Config.fromfile(path)
    # A config is a program: whatever it raises is a fault of the file.
    except Exception as error:
        raise UserError(
            f'{path}: is no readable config: {_line(error)}'
        ) from error
    if options:
        try:
            config.merge_from_dict(dict(options))
        except Exception as error:
            raise UserError(
                f'--cfg-options {_written(options)} does not fit {path}: {_line(error)}'
            ) from error
    return config


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ['no reason given']
    return f'{type(error).__name__}: {lines[0]}'


def _written(options: Mapping[str, Any]) -> str:
    return ' '.join(f'{key}={value}' for key, value in options.items())
