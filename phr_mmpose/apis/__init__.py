"""From files to poses: what the tools, and programs that use them, call."""

from phr_mmpose.apis.estimation import (
    CascadeMaps,
    Persons,
    Poses,
    estimate_maps,
    estimate_photos,
    estimate_poses,
    persons_at_once,
)
from phr_mmpose.apis.media import Media, find_media
from phr_mmpose.apis.person_boxes import BoxFile, PersonDetector, whole_image
from phr_mmpose.apis.pose_model import load_pose_model

__all__ = [
    'BoxFile',
    'CascadeMaps',
    'Media',
    'PersonDetector',
    'Persons',
    'Poses',
    'estimate_maps',
    'estimate_photos',
    'estimate_poses',
    'find_media',
    'load_pose_model',
    'persons_at_once',
    'whole_image',
]
