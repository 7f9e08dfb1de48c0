"""Convolutional part heatmap regression (ECCV 2016) for MMPose 1.x."""

from phr_mmpose import compat

# Before any import of the stack: the modules below need it in working order.
compat.prepare()

from phr_mmpose import (  # noqa: E402
    codecs,
    datasets,
    engine,
    evaluation,
    models,
    renamed,
)

__version__ = '0.2.0'

__all__ = ['codecs', 'compat', 'datasets', 'engine', 'evaluation', 'models', 'renamed']
