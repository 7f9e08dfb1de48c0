"""Datasets and transforms; importing registers them."""

from phr_mmpose.datasets import body, samplers, transforms
from phr_mmpose.datasets.collate import stack_inputs
from phr_mmpose.datasets.joined_dataset import JoinedDataset

__all__ = ['JoinedDataset', 'body', 'samplers', 'stack_inputs', 'transforms']
