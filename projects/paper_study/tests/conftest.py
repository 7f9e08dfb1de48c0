"""What the tests of this folder share."""

from pathlib import Path

import pytest

import phr_mmpose  # noqa: F401  first: it lets the stack import

_FIGURES = Path(__file__).resolve().parents[3] / 'configs' / 'phr_tiny_figures.py'
_SMALL = f"""
_base_ = {str(_FIGURES)!r}
input_size = (32, 32)
train_pipeline = [
    dict(t, input_size=input_size) if 'input_size' in t else t
    for t in _base_.train_pipeline
]
test_pipeline = [
    dict(t, input_size=input_size) if 'input_size' in t else t
    for t in _base_.test_pipeline
]
model = dict(
    backbone=dict(base_channels=8, stem_channels=8),
    head=dict(
        input_size=input_size,
        heatmap_size=(16, 16),
        detector=dict(in_channels=112),
        refiner=dict(width=16, depth=1),
    ),
)
_loader = dict(batch_size=8, num_workers=0, persistent_workers=False)
train_dataloader = dict(
    _loader, dataset=dict(num=24, image_size=64, pipeline=train_pipeline)
)
val_dataloader = dict(
    _loader, dataset=dict(num=16, image_size=64, pipeline=test_pipeline)
)
test_dataloader = val_dataloader
"""


@pytest.fixture(scope='session')
def small_cascade() -> str:
    """Text of a config that trains on drawn figures in seconds."""
    return _SMALL
