"""What loading a pose model and loading a detector have in common."""

import torch

from phr_mmpose.utils.errors import UserError


def choose_device(name: str | None) -> torch.device:
    """Choose where a model runs.

    Args:
        name (str, optional): As for :class:`torch.device`. Default: the first
            GPU, or the CPU where there is none.

    Returns:
        torch.device: The device, seen to work.

    Raises:
        UserError: If there is no such device.
    """
    if name is None:
        name = 'cuda:0' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
        # Some names are of devices that keep no values.
        torch.zeros(1, device=device).cpu()
    # torch names the fault by any of these, and asserts that it has CUDA.
    except (RuntimeError, AssertionError, NotImplementedError, ValueError):
        raise UserError(
            f"device '{name}' is not there; give cpu, or cuda:0 where "
            'torch.cuda.is_available()'
        ) from None
    return device


def meta_of(checkpoint: object) -> dict:
    """Take ``dataset_meta`` out of a checkpoint.

    Args:
        checkpoint (object): What was saved.

    Returns:
        dict: The meta information of the data set; empty where it has none.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
    found = meta.get('dataset_meta') if isinstance(meta, dict) else None
    return found if isinstance(found, dict) else {}
