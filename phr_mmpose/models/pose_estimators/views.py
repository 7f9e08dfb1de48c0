"""The flip test's views of a batch."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Feats = tuple[Tensor, ...]


def extract_views(
    extract: Callable[[Tensor], Feats], inputs: Tensor, test_cfg: Mapping
) -> Feats | list[Feats]:
    """Extract the features that a head's ``predict_maps`` takes.

    Args:
        extract (Callable): From images (B, C, H, W) to their feature maps.
        inputs (Tensor): The images.
        test_cfg (Mapping): ``flip_test`` (False by default) adds the mirror
            images; with ``flip_batch`` (True by default) as one batch of twice the
            size, else one after the other, in half the memory.

    Returns:
        tuple[Tensor, ...] | list[tuple[Tensor, ...]]: Of all images, those of a
        doubled batch first as they are and then mirrored; or a list of both.
    """
    if not test_cfg.get('flip_test', False):
        return extract(inputs)
    if test_cfg.get('flip_batch', True):
        return extract(torch.cat((inputs, inputs.flip(-1))))
    return [extract(view) for view in (inputs, inputs.flip(-1))]
