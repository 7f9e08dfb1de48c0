"""A job: photos in, Parquet files out."""

import logging
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

# Ray would tell its makers of its use.
os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')

import ray

from phr_mmpose.cluster.results import ResultWriter
from phr_mmpose.cluster.steps import CropPersons, PredictPoses
from phr_mmpose.deploy.onnx_weights import is_onnx

# Photos that are read together, and that a model is given at once.
_READ, _PREDICTED = 16, 32
# Shares of a core: Ray's tickets, not limits. With one core there is one of each.
_READER, _MODEL = 0.3, 0.7
# Bytes in which a local Ray holds what is on its way from step to step.
_STORE = 1_000_000_000


@dataclass
class Job:
    """What is to be done with the photos.

    Args:
        cropping (dict): Arguments of :class:`CropPersons`.
        model (dict): Arguments of :class:`PredictPoses`.
        writer (ResultWriter): Writes what comes back.
        num_actors (int, optional): How many times the model is loaded. Defaults to
            once for each GPU, or, without one, for each core.
        photos_per_file (int): Of one result file at most. Defaults to 1024.
    """

    cropping: dict
    model: dict
    writer: ResultWriter
    num_actors: int | None = None
    photos_per_file: int = 1024

    def run(self, photos: pa.Table) -> dict[str, int]:
        """Run to the end; Ray shows how far it is.

        Args:
            photos (pa.Table): See :data:`phr_mmpose.cluster.sources.PHOTOS`.

        Returns:
            dict[str, int]: How many ``photos``, ``persons`` and ``errors``.
        """
        if not sys.stderr.isatty():
            # Else its bars become pages of log.
            ray.data.DataContext.get_current().enable_progress_bars = False
            logging.getLogger('ray.data').setLevel(logging.ERROR)
        counts = dict(photos=0, persons=0, errors=0)
        if not len(photos):
            return counts
        have = ray.cluster_resources()
        gpus = int(have.get('GPU', 0))
        if self.model.get('device') == 'cpu' or is_onnx(
            self.model.get('weights') or ''
        ):
            gpus = 0
        actors = self.num_actors or gpus or int(have['CPU'])
        blocks = -(-len(photos) // _READ)
        data = ray.data.from_arrow(photos, override_num_blocks=min(blocks, 10_000))
        # All are actors: a task's process would end when it has nothing to do for a
        # second, and the next would import everything again.
        data = data.map_batches(
            CropPersons,
            fn_constructor_kwargs=self.cropping,
            batch_size=_READ,
            batch_format='pyarrow',
            concurrency=(1, int(have['CPU'])),
            num_cpus=_READER,
        ).map_batches(
            PredictPoses,
            fn_constructor_kwargs=self.model,
            batch_size=_PREDICTED,
            batch_format='pyarrow',
            concurrency=actors,
            num_cpus=0 if gpus else _MODEL,
            # No more on one GPU than must be.
            num_gpus=gpus and 1 / -(-actors // gpus),
        )
        for batch in data.iter_batches(
            batch_size=self.photos_per_file, batch_format='pyarrow'
        ):
            for key, count in self.writer.write(batch).items():
                counts[key] += count
        return counts


def connect(address: str | None, cpus: int | None = None) -> None:
    """Join a cluster, or start Ray on this machine.

    Args:
        address (str, optional): Of the cluster. Defaults to a Ray of our own, which
            ends with the process.
        cpus (int, optional): Cores of a Ray of our own. Defaults to all.

    Raises:
        ConnectionError: If nothing answers at the address.
        ValueError: If the address is none.
    """
    local = dict(
        num_cpus=cpus,
        object_store_memory=_STORE,
        include_dashboard=False,
        # Whatever a process of this job imports, a worker can.
        runtime_env={'env_vars': {'PYTHONPATH': os.environ.get('PYTHONPATH', '')}},
    )
    if address and ':' in address:
        # Ray itself asks for minutes.
        host, _, port = address.rpartition(':')
        try:
            socket.create_connection((host.strip('[]'), int(port)), timeout=10).close()
        except OSError as error:
            raise ConnectionError(f'no Ray there ({error})') from None
    ray.init(
        address=address or 'local',
        logging_level='error',
        log_to_driver=False,
        **({} if address else local),
    )


def absolute(path: str | Path | None) -> str | None:
    """Make a path hold in other processes; a model's name or an address is left."""
    return str(Path(path).absolute()) if path and Path(path).exists() else path
