"""Datasets of human bodies.

They live in a folder of this name because MMPose's inferencer picks its default
person detector by the word after ``datasets.`` in a dataset's module path.
"""

from phr_mmpose.datasets.body.coco_keypoint_dataset import CocoKeypointDataset
from phr_mmpose.datasets.body.figure_dataset import FigureDataset
from phr_mmpose.datasets.body.lsp_dataset import LspDataset
from phr_mmpose.datasets.body.lspet_dataset import LspetDataset
from phr_mmpose.datasets.body.mpii_part_dataset import MpiiPartDataset

__all__ = [
    'CocoKeypointDataset',
    'FigureDataset',
    'LspDataset',
    'LspetDataset',
    'MpiiPartDataset',
]
