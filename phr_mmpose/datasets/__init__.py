"""Datasets and transforms; importing registers them."""

from phr_mmpose.datasets import body, transforms
from phr_mmpose.datasets.collate import stack_inputs
from phr_mmpose.datasets.joined_dataset import JoinedDataset

__all__ = ['JoinedDataset', 'body', 'stack_inputs', 'transforms']
