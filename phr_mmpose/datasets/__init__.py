"""Datasets and transforms; importing registers them."""

from phr_mmpose.datasets import body, transforms

__all__ = ['body', 'transforms']
