"""Checkpoints: load them without running code, and see whether they fit.

A checkpoint is a pickle, and a pickle can name any function to be called. Here
only the functions and classes of an allow-list are ever looked up: torch's own
list for tensors, and :mod:`phr_mmpose.utils.allowed_pickles` for the rest.
"""

import codecs
import hashlib
import os
import pickle
import re
import types
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.error import URLError
from urllib.parse import urlparse

import torch
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from phr_mmpose.utils.allowed_pickles import AllowList
from phr_mmpose.utils.archive import check_archive, check_name
from phr_mmpose.utils.errors import UserError, first_line
from phr_mmpose.utils.joints_meta import checked_joints

# torch.load takes an allow-list with names since 2.6.
_TORCH_ALLOWS_NAMES = tuple(
    int(part) for part in re.findall(r'\d+', torch.__version__)[:2]
) >= (2, 6)

# Of weights and counters; not of quantized, complex or packed ones.
_DTYPES = {
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.bool),
}


def safe_load(
    file: str | Path | BinaryIO, map_location: str | torch.device | None = None
) -> object:
    """Load a checkpoint by an allow-list; no code that it carries is run.

    Args:
        file (str | Path | BinaryIO): The checkpoint.
        map_location (str | torch.device | None): Where tensors go, as for
            :func:`torch.load`. By default where they were, or to the CPU on a
            machine without a GPU.

    Returns:
        object: What was saved; for mmengine's checkpoints a dict with ``state_dict``,
        ``meta``, ``message_hub`` and perhaps ``optimizer``, ``param_schedulers``.
        ``meta`` is without ``config``, which mmengine would run as a program.

    Raises:
        UserError: If the file is empty, damaged, no checkpoint, or asks for
            anything outside the allow-list, or for more than it holds; if a byte of
            an archive (what torch saves since 1.6) has changed, or it would unfold;
            if it describes joints in another way than MMPose.
    """
    if map_location is None and not torch.cuda.is_available():
        map_location = 'cpu'
    is_path = isinstance(file, (str, Path))
    name = str(file if is_path else getattr(file, 'name', 'the checkpoint'))
    try:
        allowed = AllowList(check_archive(file))
        if _TORCH_ALLOWS_NAMES:
            pairs = [(value, key) for key, value in allowed.names().items()]
            scope = torch.serialization.safe_globals(pairs)
            option = {'weights_only': True}
        else:
            scope = nullcontext()
            module = _allow_list_pickle(allowed)
            option = {'pickle_module': module, 'weights_only': False}
        with scope:
            loaded = torch.load(file, map_location=map_location, **option)
            loaded = _without_program(allowed.finish(loaded))
    except Exception as error:  # damaged pickles raise anything
        raise UserError(_explain(name, error)) from error
    _check_joints(loaded, name)
    return loaded


def _check_joints(loaded: object, name: str) -> None:
    """Refuse odd joints here, where MMPose's own inferencer loads, too."""
    meta = loaded.get('meta') if isinstance(loaded, dict) else None
    joints = meta.get('dataset_meta') if isinstance(meta, dict) else None
    # Detectors have one without joints.
    if isinstance(joints, Mapping) and 'keypoint_id2name' in joints:
        checked_joints(joints, name)


def _without_program(loaded: object) -> object:
    """Leave out the config that mmcv wrote, as a text.

    mmengine writes none there, but its runner executes one that it finds when it
    resumes a run.
    """
    meta = loaded.get('meta') if isinstance(loaded, dict) else None
    if isinstance(meta, dict):
        meta.pop('config', None)
    return loaded


def load_from_local(
    filename: str, map_location: str | torch.device | None = None
) -> object:
    """Load a checkpoint from a local file; mmengine's loader of this name.

    Args:
        filename (str): Path of the checkpoint, ``~`` allowed.
        map_location (str | torch.device | None): As for :func:`safe_load`.

    Returns:
        object: What was saved.

    Raises:
        UserError: If there is no such file, or as :func:`safe_load`.
    """
    path = os.path.expanduser(filename)
    if not os.path.isfile(path):
        raise UserError(f'{filename}: no such checkpoint; give the path of a .pth file')
    return safe_load(path, map_location)


def load_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: str | torch.device | None = None,
    progress: bool = True,
) -> object:
    """Download a checkpoint unless it was before, and load it safely.

    Args:
        url (str): Where it is.
        model_dir (str | None): The folder that keeps it, under its name, with a
            hash of the address where the name has none. Default: torch's own
            (``torch.hub.get_dir()/checkpoints``).
        map_location (str | torch.device | None): As for :func:`safe_load`.
        progress (bool): Whether to show a progress bar.

    Returns:
        object: What was saved.

    Raises:
        UserError: If it cannot be had, or as :func:`safe_load`.
    """
    folder = Path(model_dir or Path(torch.hub.get_dir(), 'checkpoints'))
    path = folder / _download_name(url)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), progress=progress)
        except (URLError, OSError) as error:
            raise UserError(
                f'cannot download {url} ({error}): download it on another machine '
                f'and put it at {path}'
            ) from error
    return safe_load(path, map_location)


def _download_name(url: str) -> str:
    """Name a download, so that no other address has the same name."""
    name = os.path.basename(urlparse(url).path)
    # As published files are named, by torch and OpenMMLab, with a hash of theirs.
    if re.search(r'-[0-9a-f]{8,}(?![0-9a-z])', name):
        return name
    return f'{hashlib.sha256(url.encode()).hexdigest()[:8]}-{name}'


def load_checkpoint(name: str | Path) -> object:
    """Load a checkpoint to the CPU by MMEngine, whose loaders are those above.

    Args:
        name (str | Path): Path, or an address that MMEngine knows, such as
            ``https://…``.

    Returns:
        object: What was saved.

    Raises:
        UserError: If it cannot be had, or as :func:`safe_load`.
    """
    return CheckpointLoader.load_checkpoint(str(name), 'cpu', logger='silent')


def get_state_dict(checkpoint: object, filename: str | Path) -> dict[str, Tensor]:
    """Take the weights out of a loaded checkpoint.

    Args:
        checkpoint (object): mmengine's dict, or a bare state dict.
        filename (str | Path): Named in errors.

    Returns:
        dict[str, Tensor]: The weights, without the ``module.`` that wrappers for
        distributed training put in front.

    Raises:
        UserError: If there are no weights in it.
    """
    state = checkpoint
    if isinstance(state, Mapping) and 'state_dict' in state:
        state = state['state_dict']
    if (
        not isinstance(state, Mapping)
        or not state
        or not all(isinstance(value, Tensor) for value in state.values())
    ):
        raise UserError(
            f'{filename} holds no model weights: give a checkpoint with a state_dict'
        )
    check_plain(state, filename)
    return {key.removeprefix('module.'): value for key, value in state.items()}


def check_plain(state_dict: Mapping, source: str | Path) -> None:
    """Refuse weights that are no plain tensors under names.

    Args:
        state_dict (Mapping): The weights.
        source (str | Path): Where they come from, for the error message.

    Raises:
        UserError: If one is none.
    """
    for key, value in state_dict.items():
        if not isinstance(key, str) or not _is_plain(value):
            what = (
                f'its weight {key!r} is no plain tensor'
                if isinstance(key, str)
                else f'a weight is named by a value of type {type(key).__name__}'
            )
            raise UserError(f'{source}: {what}: save the state_dict of a model')


def _is_plain(weight: object) -> bool:
    """Whether a tensor has numbers that a model's own can take."""
    return (
        isinstance(weight, Tensor)
        and weight.layout == torch.strided
        and not (weight.is_meta or weight.is_nested)
        and weight.dtype in _DTYPES
    )


@dataclass
class Fit:
    """How the weights of a checkpoint fit a model.

    Counters of batches seen (``num_batches_tracked``) may be missing, as mmengine
    has it, and count nowhere.

    Args:
        fitting (list[str]): Weights of the same name and shape.
        missing (list[str]): Weights of the model that the checkpoint lacks.
        unexpected (list[str]): Weights that the model lacks.
        misshaped (dict[str, str]): Weights of another shape, with both shapes:
            ``'(14, 8) -> (17, 8)'``, the checkpoint's and the model's.
    """

    fitting: list[str]
    missing: list[str]
    unexpected: list[str]
    misshaped: dict[str, str]


def compare_weights(model: nn.Module, state_dict: Mapping[str, Tensor]) -> Fit:
    """See which weights of a checkpoint fit a model.

    Args:
        model (nn.Module): The model that is to take the weights.
        state_dict (Mapping[str, Tensor]): The weights.

    Returns:
        Fit: The names, in the order of the model and of the checkpoint.
    """
    own = model.state_dict()
    fit = Fit([], [], [key for key in state_dict if key not in own], {})
    for key, value in own.items():
        counter = key.endswith('num_batches_tracked')
        if key not in state_dict:
            if not counter:
                fit.missing.append(key)
        elif state_dict[key].shape != value.shape:
            old, new = tuple(state_dict[key].shape), tuple(value.shape)
            fit.misshaped[key] = f'{old} -> {new}'
        elif not counter:
            fit.fitting.append(key)
    return fit


def check_matches(
    model: nn.Module, state_dict: Mapping[str, Tensor], filename: str | Path
) -> None:
    """Refuse weights of another model.

    mmengine only warns and goes on with random weights in the gaps.

    Args:
        model (nn.Module): The model.
        state_dict (Mapping[str, Tensor]): The weights.
        filename (str | Path): Named in errors.

    Raises:
        UserError: If keys are missing or unexpected, or shapes differ.
    """
    fit = compare_weights(model, state_dict)
    misshaped = [f'{key} {shapes}' for key, shapes in fit.misshaped.items()]
    differences = [
        f'{len(keys)} {kind} (first: {keys[0]})'
        for kind, keys in (
            ('missing', fit.missing),
            ('unexpected', fit.unexpected),
            ('of another shape', misshaped),
        )
        if keys
    ]
    if differences:
        raise UserError(
            f'{filename} is a checkpoint of another model, of '
            f'{len(model.state_dict())} weights {", ".join(differences)}: use it with '
            'the config it was trained with'
        )


def _allow_list_pickle(allow_list: AllowList) -> types.ModuleType:
    """Make a pickle module that looks up allowed names only, for torch < 2.6.

    Its ``weights_only`` cannot be told of other classes. Can go when the oldest
    torch supported is 2.6.
    """
    from torch._weights_only_unpickler import _get_allowed_globals

    allowed = {
        **_get_allowed_globals(),
        '_codecs.encode': codecs.encode,
        **allow_list.names(),
    }

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> object:
            key = f'{module}.{name}'.replace('__builtin__', 'builtins')
            if key not in allowed:
                raise pickle.UnpicklingError(f'GLOBAL {key} is not allowed')
            check_name(key)
            return allowed[key]

    def load(file: BinaryIO, **kwargs) -> object:
        return Unpickler(file, **kwargs).load()

    module = types.ModuleType('allow_list_pickle')
    module.Unpickler, module.load = Unpickler, load
    return module


def _explain(name: str, error: Exception) -> str:
    """Put the cause of a failed load into one line."""
    if os.path.isfile(name) and os.path.getsize(name) == 0:
        return f'{name} is empty: copy or download the checkpoint again'
    if isinstance(error, (FileNotFoundError, IsADirectoryError, PermissionError)):
        return f'{name} cannot be read ({error.strerror}): give a readable .pth file'
    refused = re.search(r'GLOBAL (\S+)', str(error))
    if refused:
        return (
            f'{name} was not loaded, it asks to run {refused[1]}, which weights never '
            'need: use a checkpoint from a source you trust, saved as a state_dict'
        )
    # No more of what torch says: it goes on with ways to run a file's code.
    kind = 'no pickle' if isinstance(error, pickle.UnpicklingError) else _kind(error)
    return f'{name} is damaged or no checkpoint ({kind}): copy or download it again'


def _kind(error: Exception) -> str:
    """Put an error into its kind and its message's first sentence."""
    return re.split(r'\.\s|[;,] ', first_line(error), maxsplit=1)[0].rstrip('.')
