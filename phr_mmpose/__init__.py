"""Convolutional part heatmap regression (ECCV 2016) for MMPose 1.x."""

from phr_mmpose import compat

# Before any import of the stack: the modules below need it in working order.
compat.prepare()

from phr_mmpose import codecs, datasets, engine, evaluation, models  # noqa: E402

__version__ = '0.1.0'

__all__ = ['codecs', 'compat', 'datasets', 'engine', 'evaluation', 'models']
