"""Epochs of a chosen length, whatever the size of the data set."""

from collections.abc import Iterator, Sized

import torch
from mmengine.dist import get_dist_info, sync_random_seed
from mmpose.registry import DATA_SAMPLERS
from torch.utils.data import Sampler


@DATA_SAMPLERS.register_module()
class ShortEpochSampler(Sampler[int]):
    """Cut an endless series of shuffled passes over the data into equal epochs.

    Every sample is seen once before any is seen twice, however the epochs cut the
    passes. What an epoch holds depends only on the seed and its number, so a resumed
    run continues as if it had not stopped.

    Args:
        dataset (Sized): The data set, of N samples.
        length (int): Samples of one epoch, over all processes; rounded up to as many
            for each of them.
        seed (int, optional): The same on all processes. Defaults to one that is drawn
            and shared.
    """

    def __init__(self, dataset: Sized, length: int, seed: int | None = None) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        # Otherwise a process with a batch more would wait for the others forever.
        self.length = -(-length // self.world_size) * self.world_size
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        first = self.epoch * self.length
        order, current = torch.empty(0), -1
        for place in range(first + self.rank, first + self.length, self.world_size):
            if place // size != current:
                current = place // size
                generator = torch.Generator().manual_seed(self.seed + current)
                order = torch.randperm(size, generator=generator)
            yield int(order[place % size])

    def __len__(self) -> int:
        return self.length // self.world_size

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch.

        Args:
            epoch (int): Its number, from 0.
        """
        self.epoch = epoch
