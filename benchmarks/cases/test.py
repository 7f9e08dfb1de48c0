"""Predictions: from crops in bytes to joints on the host, with flip test."""

import statistics

import torch
from mmengine.dataset import pseudo_collate

from benchmarks.measure import forget_peak, held_memory, peak_memory, time_calls
from benchmarks.models import build, forward_gmac
from benchmarks.samples import packed_samples


def measure(options: dict) -> dict:
    """Time ``test_step`` at several batch sizes.

    Args:
        options (dict): ``model``, ``precision``, ``device``, ``batches``
            (sizes, ascending), ``calls``, ``warmup``.

    Returns:
        dict: For each size B ``images_per_s_B`` and ``gmac_per_s_B``; of the
        largest ``images_per_s``, ``gmac_per_s``; ``peak_gb`` and ``step_gb``
        as in training.
    """
    device = options['device']
    # Flip test: every picture twice.
    work = 2 * forward_gmac(options['model'])
    before = held_memory(device)
    subject = build(options['model'], options['precision'], device)
    subject.model.eval()
    pipeline = subject.config.test_dataloader.dataset.pipeline
    samples = packed_samples(
        options['model'], subject.config, pipeline, max(options['batches'])
    )
    forget_peak(device)
    torch.backends.cudnn.benchmark = device == 'cuda'
    found = {}
    for batch in options['batches']:
        data = pseudo_collate(samples[:batch])
        with torch.no_grad(), subject.autocast():
            seconds = statistics.median(
                time_calls(
                    lambda data=data: subject.model.test_step(data),
                    device,
                    options['calls'],
                    options['warmup'],
                )
            )
        rate = batch / seconds
        found |= {f'images_per_s_{batch}': rate, f'gmac_per_s_{batch}': work * rate}
        found |= dict(images_per_s=rate, gmac_per_s=work * rate)
    peak = peak_memory(device)
    return dict(found, peak_gb=peak, step_gb=peak - before)
