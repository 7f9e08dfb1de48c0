"""Samplers; importing registers them."""

from phr_mmpose.datasets.samplers.short_epoch_sampler import ShortEpochSampler

__all__ = ['ShortEpochSampler']
