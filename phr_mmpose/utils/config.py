"""Reading a config, with one line where it cannot be read or does not fit."""

import argparse
import difflib
import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict, DictAction
from mmengine.runner import Runner

from phr_mmpose.utils.errors import UserError, first_line

_PATHS = ('load_from', 'work_dir')
# What MMEngine's runner reads from the config besides its arguments.
_KEYS_OF_RUNNER = (
    'activation_checkpointing',
    'compile',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'sync_bn',
)


class ConfigOptions(DictAction):
    """MMEngine's action of ``--cfg-options``; what it cannot read ends in one line."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Sequence[str],
        option_string: str | None = None,
    ) -> None:
        """Add options to those that are given before; see ``argparse.Action``.

        Raises:
            UserError: If one of them is not KEY=VALUE.
        """
        for value in values:
            try:
                super().__call__(parser, namespace, [value], option_string)
            # Of a dict in braces it finds no end.
            except (AssertionError, RecursionError, ValueError):
                raise UserError(
                    f'{option_string} {value}: give KEY=VALUE, such as a.b=1 or '
                    'a.b=[1,2], and the entries of a dict one by one'
                ) from None


def config_folder() -> Path:
    """Find the project's configs: in an installed package, or beside it in a clone.

    Returns:
        Path: The folder.
    """
    package = Path(__file__).resolve().parents[1]
    installed = package / 'configs'
    return installed if installed.is_dir() else package.parent / 'configs'


def load_config(path: str | Path, options: Mapping[str, Any] | None = None) -> Config:
    """Read a config file and override some of its values.

    Args:
        path (str | Path): The config, a ``.py`` file.
        options (Mapping[str, Any], optional): Dotted keys and their values, as
            ``--cfg-options`` gives them.

    Returns:
        Config: The config.

    Raises:
        UserError: If there is no such file, it cannot be read, an option does
            not fit, or a path in it is none.
    """
    if not os.path.isfile(path):
        raise UserError(f'{path}: no such config')
    # A config is a program: whatever it raises is a fault of the file.
    try:
        config = Config.fromfile(path)
    except (Exception, SystemExit) as error:
        fault = first_line(error)
        raise UserError(f'{path}: is no readable config: {fault}') from error
    if options:
        check_options(config, options)
        try:
            config.merge_from_dict(dict(options))
        except Exception as error:
            given, fault = _written(options), first_line(error)
            raise UserError(
                f'--cfg-options {given} does not fit {path}: {fault}'
            ) from error
    for key in _PATHS:
        if not isinstance(value := config.get(key), (str, type(None))):
            raise UserError(f'{path}: {key} must be one path, not {value!r}')
    return config


def check_options(config: Config, options: Mapping[str, Any]) -> None:
    """Refuse options that nothing would read.

    Args:
        config (Config): What they are to override.
        options (Mapping[str, Any]): Dotted keys and their values.

    Raises:
        UserError: If the first word of one is neither in the config nor known to
            MMEngine's runner.
    """
    known = {*config, *inspect.signature(Runner).parameters, *_KEYS_OF_RUNNER}
    for key in options:
        first = key.split('.')[0]
        if first not in known:
            close = difflib.get_close_matches(first, known, n=1)
            hint = f'; is it {close[0]}?' if close else ''
            raise UserError(f'--cfg-options {key}: the config has no {first}{hint}')


def use_data(config: Config, folder: str | Path) -> None:
    """Have every data set with a root read from a folder.

    Args:
        config (Config): Changed in place.
        folder (str | Path): In place of every ``data_root``.

    Raises:
        UserError: If no data set has one.
    """
    names = ('train_dataloader', 'val_dataloader', 'test_dataloader')
    found = [
        dataset
        for name in names
        for dataset in data_sets(config[name].dataset)
        if 'data_root' in dataset
    ]
    if not found:
        raise UserError(f'--data {folder}: no data set here has a data_root')
    for dataset in found:
        dataset.data_root = f'{Path(folder).resolve()}/'


def data_sets(config: ConfigDict) -> Iterator[ConfigDict]:
    """Give a data set's config, or those that it joins.

    Args:
        config (ConfigDict): Of a data set.
    """
    if 'datasets' in config:
        for each in config.datasets:
            yield from data_sets(each)
    else:
        yield config


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Have errors of what is built from a config name its file.

    What builds a model or a schedule sees values only, not where they stand.

    Args:
        path (str | Path): The config.

    Raises:
        UserError: In place of each that is raised inside.
    """
    try:
        yield
    except UserError as error:
        # What the system refuses is no fault of the config.
        if isinstance(error.__cause__, OSError):
            raise
        text = str(error).removeprefix('config: ')
        raise UserError(text if str(path) in text else f'{path}: {text}') from error


@contextmanager
def building(path: str | Path, part: str | None = None) -> Iterator[None]:
    """Put what fails while a config's parts are built into one line.

    The stack raises anything for an unknown key or type. Only building belongs
    inside: what fails later is no fault of the config, and needs its traceback.

    Args:
        path (str | Path): The config.
        part (str, optional): The key in it of what is built, if it is one.

    Raises:
        UserError: In place of each exception; one raised inside goes on as it is.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        what = f'its {part} ' if part else ''
        raise UserError(
            f'{path}: {what}cannot be built: {first_line(error)}'
        ) from error


def choose_work_dir(config: Config, path: str | Path, chosen: str | None = None) -> str:
    """Choose the folder for a run's logs and checkpoints.

    Args:
        config (Config): The config.
        path (str | Path): Its file.
        chosen (str, optional): What the command line says, if it does.

    Returns:
        str: That, else the config's ``work_dir``, else ``work_dirs/NAME``.
    """
    return chosen or config.get('work_dir') or str(Path('work_dirs', Path(path).stem))


def _written(options: Mapping[str, Any]) -> str:
    return ' '.join(f'{key}={value}' for key, value in options.items())
