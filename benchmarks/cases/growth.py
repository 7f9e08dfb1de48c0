"""How time and memory grow with the batch, the input, the joints and the people."""

import statistics
from collections.abc import Callable

import torch
from mmengine.config import Config
from mmpose.registry import MODELS

from benchmarks.cases.crowd import draw_boxes, random_model
from benchmarks.fits import fit_power
from benchmarks.measure import forget_peak, held_memory, peak_memory, time_calls
from benchmarks.models import (
    FLOAT32,
    Subject,
    collate,
    forget_weights,
    read_config,
    training_pipeline,
)
from benchmarks.samples import draw_photo, packed_samples
from phr_mmpose.apis import estimate_poses


def measure(options: dict) -> dict:
    """Time steps of ascending size.

    The sizes ascend, so that a process's highest memory so far is that of the
    size just measured.

    Args:
        options (dict): ``model`` (a cascade's config), ``device``, ``kind``
            (``'batch'``, ``'pixels'``, ``'joints'``: joint training steps;
            ``'people'``: predictions of one photo), ``sizes``, ``batch`` and
            ``side`` where they do not grow, ``calls``.

    Returns:
        dict: ``sizes`` (of pixels: their number), ``seconds``, ``memory_gb``
        (what is held beyond what the process held before), ``exponent`` of
        time and ``memory_exponent``.
    """
    device, kind = options['device'], options['kind']
    sizes, seconds, memory = [], [], []
    before = held_memory(device)
    for size in options['sizes']:
        step = (_photo if kind == 'people' else _training)(size, options)
        forget_peak(device)
        times = time_calls(step, device, options['calls'], warmup=1)
        sizes.append(size**2 if kind == 'pixels' else size)
        seconds.append(statistics.median(times))
        memory.append(max(peak_memory(device) - before, 1e-6))
    return dict(
        sizes=sizes,
        seconds=seconds,
        memory_gb=memory,
        exponent=fit_power(sizes, seconds)[0],
        memory_exponent=fit_power(sizes, memory)[0],
    )


def _training(size: int, options: dict) -> Callable[[], object]:
    """A joint training step in which one thing has the given size."""
    values = dict(batch=options['batch'], pixels=options['side'], joints=16)
    values[options['kind']] = size
    config = resized(options['model'], values['pixels'], values['joints'])
    torch.manual_seed(0)
    model = MODELS.build(config.model).to(options['device']).train()
    optimizer = Subject(config, model, FLOAT32, options['device']).optimizer()
    samples = packed_samples(
        options['model'], config, config.train_pipeline, values['batch']
    )
    data = collate(config, samples)
    return lambda: model.train_step(data, optimizer)


def resized(name: str, side: int, joints: int) -> Config:
    """Read a cascade's config for another input size and other joints.

    Args:
        name (str): The path of a config whose maps have half the input's side.
        side (int): Side of the square input in pixels.
        joints (int): Joints.

    Returns:
        Config: With its training's transforms in ``train_pipeline``.
    """
    config = read_config(name)
    forget_weights(config.model)
    head = config.model.head
    head.input_size, head.out_channels = (side, side), joints
    head.heatmap_size = (side // 2, side // 2)
    config.train_pipeline = training_pipeline(config)
    for transform in config.train_pipeline:
        if 'input_size' in transform:
            transform.input_size = (side, side)
    return config


def _photo(people: int, options: dict) -> Callable[[], object]:
    model = random_model(options['model'], options['device'])
    photo, boxes = draw_photo(0), draw_boxes(people)
    return lambda: estimate_poses(model, photo, boxes)
