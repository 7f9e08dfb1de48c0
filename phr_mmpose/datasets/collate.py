"""How samples become a batch."""

import torch
from mmengine.registry import FUNCTIONS


@FUNCTIONS.register_module()
def stack_inputs(batch: list[dict]) -> dict:
    """Stack the pictures into one tensor; leave the data samples as a list.

    A worker hands each tensor to the trainer through its own file descriptor. With
    small pictures this makes MMEngine's ``pseudo_collate`` cost more than the
    augmentation.

    Args:
        batch (list[dict]): B packed samples, ``inputs`` (C, H, W) each of the
            same size, and ``data_samples``.

    Returns:
        dict: ``inputs`` (B, C, H, W) and ``data_samples``, a list of B.
    """
    return dict(
        inputs=torch.stack([sample['inputs'] for sample in batch]),
        data_samples=[sample['data_samples'] for sample in batch],
    )
