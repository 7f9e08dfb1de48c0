"""Convolutional part heatmap regression (ECCV 2016) for MMPose 1.x."""

from phr_mmpose import compat
from phr_mmpose.utils import interrupts

# Before anything that takes seconds to import.
interrupts.end_script_at_once()

# Before any import of the stack: the modules below need it in working order.
compat.prepare()

from phr_mmpose import (  # noqa: E402
    codecs,
    datasets,
    deploy,
    engine,
    evaluation,
    models,
    renamed,
    visualization,
)

__version__ = '0.3.0'

__all__ = [
    'codecs',
    'compat',
    'datasets',
    'deploy',
    'engine',
    'evaluation',
    'models',
    'renamed',
    'visualization',
]
