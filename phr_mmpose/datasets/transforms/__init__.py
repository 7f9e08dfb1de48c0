"""Transforms of the data pipeline."""

from phr_mmpose.datasets.transforms.pack_cascade_inputs import PackCascadeInputs

__all__ = ['PackCascadeInputs']
