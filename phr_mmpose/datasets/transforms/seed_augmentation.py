"""Augmentation that depends on the sample and the epoch, not on history."""

import functools
import random
import zlib
from pathlib import Path

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS


class RunClock:
    """Seed and epoch of the run, the same in the trainer and in every worker.

    It lies in shared memory, so that workers which live on over epochs see each
    new epoch, whether they were forked or spawned.
    """

    def __init__(self) -> None:
        self._values = torch.zeros(2, dtype=torch.int64).share_memory_()

    def set(self, seed: int, epoch: int) -> None:
        """Announce an epoch.

        Args:
            seed (int): The run's random seed.
            epoch (int): The epoch that is about to begin, from 0.
        """
        self._values[0] = seed
        self._values[1] = epoch

    def read(self) -> tuple[int, int]:
        """Return (seed, epoch)."""
        seed, epoch = self._values.tolist()
        return seed, epoch

    def __deepcopy__(self, memo: dict) -> 'RunClock':
        # A copied pipeline still belongs to the run.
        return self


@functools.cache
def run_clock() -> RunClock:
    """Return the process's clock; workers inherit it with the transform."""
    return RunClock()


@TRANSFORMS.register_module()
class SeedAugmentation(BaseTransform):
    """Reseed numpy's and Python's generators for the transforms that follow.

    Put it at the head of a training pipeline. A sample is then augmented alike
    however many workers there are, whichever of them draws it, and whether or
    not the run was interrupted; each epoch still augments it anew.

    ``StagedTrainingHook`` keeps the clock. Without it, seed and epoch are 0.

    Required keys: none; ``sample_idx`` and the file name of ``img_path`` tell
    samples apart where they are there.
    """

    def __init__(self) -> None:
        self._clock = run_clock()

    def transform(self, results: dict) -> dict:
        """Seed the generators; the results pass unchanged.

        Args:
            results (dict): The sample.
        """
        name = Path(str(results.get('img_path', ''))).name
        words = np.random.SeedSequence(
            [
                *self._clock.read(),
                results.get('sample_idx', 0),
                zlib.crc32(name.encode()),
            ]
        ).generate_state(4)
        np.random.seed(words)
        random.seed(int(words[0]) << 32 | int(words[1]))
        return results
