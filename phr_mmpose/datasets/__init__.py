"""Datasets and transforms; importing registers them."""

from phr_mmpose.datasets import body, samplers, transforms

__all__ = ['body', 'samplers', 'transforms']
