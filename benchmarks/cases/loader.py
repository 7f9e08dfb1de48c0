"""Loaders: pictures a second from one worker, and what goes through its queue."""

import pickle
import runpy
import time
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from benchmarks.models import CASCADE, REPO, read_config
from benchmarks.photos import LIST
from benchmarks.stock_targets import target_encoders

# Within the data set's folder.
_CROPS = 'crops'
_BATCH = 16
_WARMUP = 2


def measure(options: dict) -> dict:
    """Watch a training loader with one worker.

    Args:
        options (dict): ``way``: ``'stock'`` (MMPose's MPII pipeline, drawing
            discs and Gaussians at 256 x 256), ``'plain'`` or ``'cropped'``
            (ours); ``photos``: ``'synthetic'`` or ``'lsp'``; ``folder``, which
            holds them; ``data``: whether LSP is given; ``seconds`` to watch.

    Returns:
        dict: ``images_per_s`` and ``bytes_per_sample``; or ``reason``.
    """
    folder = Path(options['folder'], options['photos'])
    if options['photos'] == 'lsp' and not options['data']:
        return dict(reason='no --data given')
    way = options['way']
    if way == 'cropped':
        if not Path(folder, _CROPS, LIST).is_file():
            write_crops(folder)
        folder = Path(folder, _CROPS)
    loader = stock_loader(folder) if way == 'stock' else own_loader(folder)
    return watch(loader, options['seconds'])


def write_crops(folder: Path) -> None:
    """Cut the persons of some photos out, as a user does.

    Args:
        folder (Path): From :mod:`benchmarks.photos`.
    """
    main = runpy.run_path(str(REPO / 'tools' / 'crop_dataset.py'))['main']
    paths = (folder / LIST, folder / 'images', folder / _CROPS)
    main(['MpiiPartDataset', *map(str, paths)])


def stock_loader(folder: Path) -> dict:
    """MMPose's loader of MPII, asked for the cascade's targets.

    Args:
        folder (Path): From :mod:`benchmarks.photos`.
    """
    loader = _on(read_config('td-hm_res152'), folder)
    for transform in loader.dataset.pipeline:
        if transform.type == 'GenerateTarget':
            # "multilevel": several codecs that give the same kind of maps.
            transform.encoder, transform.multilevel = target_encoders(), True
    return loader


def own_loader(folder: Path) -> dict:
    """This project's loader of MPII.

    Args:
        folder (Path): From :mod:`benchmarks.photos`.
    """
    return _on(read_config(CASCADE), folder)


def _on(config: Config, folder: Path) -> dict:
    loader = config.train_dataloader
    loader.update(batch_size=_BATCH, num_workers=1)
    # A short list, read again and again without a pause between.
    loader.sampler = dict(type='InfiniteSampler', shuffle=True)
    loader.dataset.update(data_root=str(folder), ann_file=LIST)
    return loader


def watch(loader: dict, seconds: float) -> dict:
    """Take batches as fast as the worker makes them.

    Args:
        loader (dict): Config of a loader without end.
        seconds (float): How long to watch after the first batches; three
            batches at least.

    Returns:
        dict: As :func:`measure`.
    """
    built = Runner.build_dataloader(loader, seed=0)
    batches = iter(built)
    for _ in range(_WARMUP):
        batch = next(batches)
    start = now = time.perf_counter()
    count = 0
    while count < 3 or now - start < seconds:
        batch = next(batches)
        count += 1
        now = time.perf_counter()
    return dict(
        images_per_s=count * _BATCH / (now - start),
        bytes_per_sample=len(pickle.dumps(batch)) / _BATCH,
    )
