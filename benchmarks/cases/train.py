"""Training steps: the forward pass, the losses, the gradients, the optimizer."""

import statistics

import torch

from benchmarks.measure import forget_peak, held_memory, peak_memory, time_calls
from benchmarks.models import (
    build,
    collate,
    set_stage,
    training_gmac,
    training_pipeline,
)
from benchmarks.samples import packed_samples


def measure(options: dict) -> dict:
    """Time ``train_step`` on one batch that is in memory.

    Args:
        options (dict): ``model``, ``stage`` (None for MMPose's own),
            ``precision``, ``device``, ``batch``, ``calls``, ``warmup``.

    Returns:
        dict: ``seconds`` of a step, ``images_per_s``, ``gmac_per_s``,
        ``peak_gb`` and ``step_gb``, the peak without what the process held
        before the model was built.
    """
    device, batch = options['device'], options['batch']
    work = training_gmac(options['model'], options['stage'])
    before = held_memory(device)
    subject = build(options['model'], options['precision'], device)
    subject.model.train()
    set_stage(subject, options['stage'])
    optimizer = subject.optimizer()
    pipeline = training_pipeline(subject.config)
    samples = packed_samples(options['model'], subject.config, pipeline, batch)
    data = collate(subject.config, samples)
    forget_peak(device)
    torch.backends.cudnn.benchmark = device == 'cuda'
    seconds = statistics.median(
        time_calls(
            lambda: subject.model.train_step(data, optimizer),
            device,
            options['calls'],
            options['warmup'],
        )
    )
    peak = peak_memory(device)
    return dict(
        seconds=seconds,
        images_per_s=batch / seconds,
        gmac_per_s=work * batch / seconds,
        peak_gb=peak,
        step_gb=peak - before,
    )
