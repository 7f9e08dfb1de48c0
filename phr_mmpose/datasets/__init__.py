"""Datasets and transforms; importing registers them."""

from phr_mmpose.datasets import body, samplers, transforms
from phr_mmpose.datasets.collate import stack_inputs

__all__ = ['body', 'samplers', 'stack_inputs', 'transforms']
