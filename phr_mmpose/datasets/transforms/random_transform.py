"""Where this package's random transforms get their random numbers."""

import functools
import os

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torch.utils.data import get_worker_info


class RunClock:
    """Seed and epoch of a run with ``StagedTrainingHook``, known to every worker.

    They are in shared memory, so workers that live over several epochs see each new
    epoch, whether they were forked or spawned.
    """

    def __init__(self) -> None:
        # Seed, epoch, rank, batch size. A batch size of 0 means that there is no such
        # run.
        self._values = torch.zeros(4, dtype=torch.int64).share_memory_()
        self._counted = None
        self._visits = 0

    def set(self, seed: int, epoch: int, rank: int = 0, batch_size: int = 1) -> None:
        """Announce an epoch.

        Args:
            seed (int): The run's random seed.
            epoch (int): The epoch that is about to begin, from 0.
            rank (int): The process's rank. Defaults to 0.
            batch_size (int): Samples of one batch. Defaults to 1.
        """
        self._values.copy_(torch.tensor([seed, epoch, rank, batch_size]))
        # The same epoch may have begun before, in a run that was broken off.
        self._counted = None

    def stop(self) -> None:
        """Say that the run is over."""
        self._values.zero_()

    def generator(self) -> np.random.Generator:
        """Return a generator for one visit of a sample; no two visits share one.

        Returns:
            np.random.Generator: In a run with ``StagedTrainingHook`` it follows from
            the seed, the epoch and the visit's place in the epoch; otherwise from a
            number that is drawn from the process's torch generator.
        """
        seed, epoch, rank, batch_size = self._values.tolist()
        info = get_worker_info()
        if not batch_size:
            # MMEngine seeds torch in a worker the same way each time it starts; the
            # number that the loader has drawn for the worker is new in every epoch.
            drawn = [info.seed if info else 0, int(torch.randint(2**63 - 1, ()))]
            return np.random.default_rng(drawn)
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        counted = (os.getpid(), seed, epoch)
        if counted != self._counted:
            self._counted, self._visits = counted, 0
        # torch deals whole batches out to its workers in turn. If that changed, places
        # would depend on the number of workers; nothing else would go wrong.
        batch, place = divmod(self._visits, batch_size)
        self._visits += 1
        place += (batch * workers + worker) * batch_size
        return np.random.default_rng([seed, epoch, rank, place])

    def __deepcopy__(self, memo: dict) -> 'RunClock':
        # A copied pipeline still belongs to the run.
        return self


@functools.cache
def run_clock() -> RunClock:
    """Return the process's clock; workers inherit it with the transforms."""
    return RunClock()


class RandomTransform(BaseTransform):
    """Base of transforms that draw random numbers.

    All of them in a pipeline share one generator for each visit of a sample
    (``results['rng']``), so that

    - two visits of a sample differ, under any loop, sampler, data set wrapper and
      number or kind of workers;
    - a seeded run repeats (with the same number of workers);
    - in a run with ``StagedTrainingHook`` what a visit draws depends on the seed,
      the epoch and the visit's place in it, not on the workers, so that a run
      which is resumed at an epoch's end equals one that was not interrupted;
    - they never reseed the global generators of numpy, Python and torch. Without
      that hook they draw one number a visit from torch's, as torchvision's
      transforms do.

    MMPose's own random transforms in the same pipeline draw from numpy's global
    generator, which MMEngine seeds when a worker starts. So with
    ``persistent_workers=False`` they repeat in every epoch, and a resumed run draws
    other numbers than an uninterrupted one. The samples that MMEngine substitutes for
    those that ``ignore_empty`` skips come from there, too.
    """

    def __init__(self) -> None:
        super().__init__()
        self._clock = run_clock()

    def rng(self, results: dict) -> np.random.Generator:
        """Return the generator of this visit.

        Args:
            results (dict): The sample; gets the key ``rng`` with the first call.
        """
        if 'rng' not in results:
            results['rng'] = self._clock.generator()
        return results['rng']
