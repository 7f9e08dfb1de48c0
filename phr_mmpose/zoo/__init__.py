"""Trained models that come with the package.

Each has a folder here: ``weights.pth``, plain tensors in half precision; and
``card.json``, which says what it was trained on, by which config and command, how well
it does, and what the file's checksum is.
"""

from phr_mmpose.zoo.shipped import (
    DEFAULT_MODEL,
    config_folder,
    find_model,
    list_models,
    model_card,
    model_files,
)

__all__ = [
    'DEFAULT_MODEL',
    'config_folder',
    'find_model',
    'list_models',
    'model_card',
    'model_files',
]
