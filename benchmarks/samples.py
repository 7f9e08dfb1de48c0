"""Pictures and persons that the benchmark makes up."""

import copy

import cv2
import numpy as np
from mmcv.transforms import Compose
from mmengine.config import Config
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from benchmarks.models import STOCK
from phr_mmpose.datasets.joints import MPII_METAINFO

#: MPII's typical photo, (w, h) in pixels.
PHOTO_SIZE = (1280, 720)
_SMALL_SIZE = (384, 320)


def draw_photo(seed: int, size: tuple[int, int] = PHOTO_SIZE) -> np.ndarray:
    """Draw a picture that compresses about as well as a photo does.

    Args:
        seed (int): Chooses the picture.
        size (tuple[int, int]): Width and height in pixels.

    Returns:
        np.ndarray: Shape (h, w, 3), BGR, uint8.
    """
    random = np.random.default_rng(seed)
    width, height = size
    picture = np.zeros((height, width, 3), np.float32)
    # Detail of every scale, weaker the finer, as in nature.
    for cell, strength in ((160, 70), (40, 40), (10, 18), (2, 8)):
        grid = (max(2, height // cell), max(2, width // cell), 3)
        noise = random.normal(0, strength, grid).astype(np.float32)
        picture += cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC)
    return (picture + 128).clip(0, 255).astype(np.uint8)


def draw_person(
    random: np.random.Generator, photo_size: tuple[int, int], side: float, joints: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a person's box and joints within a photo.

    Args:
        random (np.random.Generator): The source of chance.
        photo_size (tuple[int, int]): Width and height in pixels.
        side (float): Side of the box in pixels.
        joints (int): Joints K.

    Returns:
        tuple[np.ndarray, np.ndarray]: The box (4,), x1, y1, x2, y2, with its
        middle in the photo, and the joints (K, 2), in the box and the photo.
    """
    size = np.array(photo_size, np.float32)
    middle = random.uniform(0.3, 0.7, 2) * size
    box = np.concatenate([middle - side / 2, middle + side / 2]).astype(np.float32)
    points = random.uniform(box[:2], box[2:], (joints, 2))
    return box, points.clip(0, size - 1).astype(np.float32)


def packed_samples(
    name: str,
    config: Config,
    pipeline: list,
    count: int,
) -> list[dict]:
    """Send made-up persons through a config's pipeline.

    Args:
        name (str): The model's name, as for :func:`benchmarks.models.build`.
        config (Config): Its config; its head says how many joints there are.
        pipeline (list): The config's transforms.
        count (int): Persons, each on a photo of its own.

    Returns:
        list[dict]: ``inputs``, a uint8 tensor (3, H, W), and ``data_samples``.
    """
    transforms = Compose(copy.deepcopy(pipeline))
    random = np.random.default_rng(0)
    joints = config.model.head.out_channels
    meta = sample_meta(joints)
    samples = []
    for index in range(count):
        box, points = draw_person(random, _SMALL_SIZE, 0.6 * _SMALL_SIZE[1], joints)
        # This project's data sets say what is occluded, too.
        shape = (1, joints) if name in STOCK else (1, joints, 2)
        samples.append(
            transforms(
                dict(
                    img=draw_photo(index, _SMALL_SIZE),
                    img_path=f'{index}.jpg',
                    id=index,
                    img_id=index,
                    sample_idx=index,
                    bbox=box[None],
                    bbox_score=np.ones(1, np.float32),
                    keypoints=points[None],
                    keypoints_visible=np.ones(shape, np.float32),
                    **meta,
                )
            )
        )
    return samples


def sample_meta(joints: int) -> dict:
    """What a data set adds to each sample about its joints.

    Args:
        joints (int): Joints K: MPII's for 16; else none has a mirror image.
    """
    if joints == 16:
        parsed = parse_pose_metainfo(MPII_METAINFO)
        keys = ('flip_indices', 'flip_pairs', 'dataset_keypoint_weights')
        keys += ('dataset_name', 'upper_body_ids', 'lower_body_ids', 'skeleton_links')
        return {key: parsed[key] for key in keys}
    return dict(
        flip_indices=list(range(joints)),
        dataset_keypoint_weights=np.ones(joints, np.float32),
        dataset_name='made-up',
    )
