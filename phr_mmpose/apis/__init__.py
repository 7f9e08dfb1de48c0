"""From files to poses: what the tools, and programs that use them, call."""

from phr_mmpose.apis.estimation import (
    CascadeHeatmaps,
    Persons,
    Poses,
    default_batch_size,
    estimate_heatmaps,
    estimate_photos,
    estimate_poses,
)
from phr_mmpose.apis.media import Media, find_media
from phr_mmpose.apis.person_boxes import BoxFile, PersonDetector, whole_image
from phr_mmpose.apis.pose_model import load_pose_model

__all__ = [
    'BoxFile',
    'CascadeHeatmaps',
    'Media',
    'PersonDetector',
    'Persons',
    'Poses',
    'default_batch_size',
    'estimate_heatmaps',
    'estimate_photos',
    'estimate_poses',
    'find_media',
    'load_pose_model',
    'whole_image',
]
