"""Transforms of the data pipeline."""

from phr_mmpose.datasets.transforms.checked_load_image import CheckedLoadImage
from phr_mmpose.datasets.transforms.keypoint_masking import KeypointMasking
from phr_mmpose.datasets.transforms.load_person_crop import LoadPersonCrop
from phr_mmpose.datasets.transforms.pack_cascade_inputs import PackCascadeInputs
from phr_mmpose.datasets.transforms.random_mirror import RandomMirror
from phr_mmpose.datasets.transforms.random_scale_rotation import (
    RandomScaleRotation,
)
from phr_mmpose.datasets.transforms.random_transform import RandomTransform
from phr_mmpose.datasets.transforms.visibility_keypoint_converter import (
    VisibilityKeypointConverter,
)

__all__ = [
    'CheckedLoadImage',
    'KeypointMasking',
    'LoadPersonCrop',
    'PackCascadeInputs',
    'RandomMirror',
    'RandomScaleRotation',
    'RandomTransform',
    'VisibilityKeypointConverter',
]
