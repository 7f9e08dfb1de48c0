"""Hide joints, and show joints where there are none (MSS-Net's keypoint masking)."""

from collections.abc import Sequence

import cv2
import numpy as np
from mmpose.registry import TRANSFORMS
from mmpose.structures.bbox import get_udp_warp_matrix, get_warp_matrix

from phr_mmpose.datasets.transforms.random_transform import RandomTransform
from phr_mmpose.utils.errors import UserError

# How many places are tried for a patch of background.
_TRIES = 32
# Half a limb's thickness as a share of the body's size.
_LIMB = 0.05


@TRANSFORMS.register_module()
class KeypointMasking(RandomTransform):
    """Lay background over joints, and copy joints to the background.

    From `Multi-Scale Structure-Aware Network for Human Pose Estimation
    <https://arxiv.org/abs/1803.09894>`_, where it makes up for how few joints are
    hidden in the data sets. It makes two changes, drawn independently:

    - *hide*: a patch of background is laid over a visible joint. Every annotated joint
      under it becomes hidden, even if the data set does not say what is hidden;
    - *copy*: a patch around a visible joint is copied to the background nearby. The
      joints and their flags do not change: the copy only looks like a joint.

    The paper leaves open how patches are chosen. Choices made here: patches are
    rectangles within the photo, with uniformly distributed sides; background keeps half
    a patch's diagonal and half a limb's width away from joints and from the bones
    between them (``skeleton_links``); the joint lies anywhere in the middle half of the
    patch that hides it; a joint that is hidden is not shown elsewhere; if no suitable
    background is found, nothing is done. A sample without joints, such as a photo to be
    predicted, passes through.

    Put it after the transform that crops. K is the number of joints; pixels are
    those of the input.

    Required keys: ``img`` (H, W, 3); ``bbox`` (1, 4) in the photo, its longer side
    is the body's size; ``input_scale`` and ``input_size``;
    ``transformed_keypoints`` (1, K, 2); ``keypoints_visible`` (1, K, 2) as
    [annotated, visible], or (1, K) as annotated. Optional: ``skeleton_links``, and
    ``ori_shape``, ``bbox_center``, ``bbox_scale``, ``bbox_rotation``, which tell
    where the photo ends (``keypoints`` then say whether the crop was MMPose's plain one
    or that of UDP, which turns the other way); with ``seed`` also ``id``.

    Modified keys: ``img``; ``keypoints_visible`` becomes (1, K, 2) if a joint is
    hidden, and always with ``seed``. In a data set without flags the other joints count
    as visible, as they do without this transform.

    Args:
        prob (float): How often joints are hidden. Defaults to 0.5.
        copy_prob (float): How often a joint is copied. Defaults to 0.5.
        size (tuple[float, float]): Range of a patch's sides, as a share of the
            body's size. Defaults to (0.1, 0.25).
        max_hidden (int): Largest number of patches that hide joints; each number from 1
            is equally likely. Defaults to 1.
        seed (int, optional): Draw from this seed and the sample's ``id``, so that every
            visit is the same, for a test set with hidden joints. Defaults to None.

    Raises:
        UserError: If an argument is out of its range, the transform stands before
            the crop, or a sample has several persons.
    """

    def __init__(
        self,
        prob: float = 0.5,
        copy_prob: float = 0.5,
        size: tuple[float, float] = (0.1, 0.25),
        max_hidden: int = 1,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        for name, value in dict(prob=prob, copy_prob=copy_prob).items():
            if not 0 <= value <= 1:
                raise UserError(
                    f'KeypointMasking {name} must lie in 0 to 1, got {value}'
                )
        if np.shape(size) != (2,) or not 0 < size[0] <= size[1] <= 0.5:
            raise UserError(
                'KeypointMasking size must be a range of shares of the body from 0 to '
                f'0.5, since larger patches leave no background; got {size}'
            )
        if not isinstance(max_hidden, int) or max_hidden < 1:
            raise UserError(
                f'KeypointMasking max_hidden must be a whole number from 1, got '
                f'{max_hidden!r}'
            )
        if seed is not None and (not isinstance(seed, int) or seed < 0):
            raise UserError(
                f'KeypointMasking seed must be a whole number from 0, got {seed!r}'
            )
        self.prob = prob
        self.copy_prob = copy_prob
        self.size = tuple(size)
        self.max_hidden = max_hidden
        self.seed = seed

    def transform(self, results: dict) -> dict:
        """Change one sample.

        Args:
            results (dict): The sample.

        Returns:
            dict: The same, with its picture and flags changed.
        """
        joints = results.get('transformed_keypoints')
        if joints is None:
            raise UserError(
                'KeypointMasking stands before the crop; put it after LoadPersonCrop '
                'or TopdownAffine'
            )
        # MMPose's crop of a photo without joints leaves an empty array.
        if joints.ndim < 3:
            return results
        if len(joints) > 1:
            raise UserError(
                f'KeypointMasking: a sample has {len(joints)} persons; it hides joints '
                'of one, so that it needs a top-down pipeline'
            )
        rng = self._generator(results)
        hide, copy = rng.random(2) < (self.prob, self.copy_prob)
        flags = results['keypoints_visible']
        if flags.ndim == 2:
            flags = np.stack((flags, flags), axis=-1)
            if self.seed is not None:
                # In a test set, visibility is known of all persons or not rated.
                results['keypoints_visible'] = flags
        if not (hide or copy):
            return results
        scene = _Scene(results, flags[0, :, 0] > 0)
        if not 0 < scene.body < np.inf:
            return results
        visible = scene.annotated & (flags[0, :, 1] > 0)
        hidden = np.zeros_like(visible)
        picture = results['img'].copy()
        if hide:
            count = rng.integers(1, self.max_hidden, endpoint=True)
            for joint in _shuffled(rng, visible)[:count]:
                hidden |= self._hide(rng, scene, picture, joint)
        if copy:
            for joint in _shuffled(rng, visible & ~hidden)[:1]:
                self._copy(rng, scene, picture, joint, hidden)
        results['img'] = picture
        if hidden.any():
            flags = flags.copy()
            flags[0, hidden, 1] = 0
            results['keypoints_visible'] = flags
        return results

    def _generator(self, results: dict) -> np.random.Generator:
        if self.seed is None:
            return self.rng(results)
        if 'id' not in results:
            raise UserError(
                "KeypointMasking with a seed draws by the sample's id, which this data "
                'set does not give; leave seed out'
            )
        return np.random.default_rng([self.seed, results['id']])

    def _hide(
        self,
        rng: np.random.Generator,
        scene: '_Scene',
        picture: np.ndarray,
        joint: int,
    ) -> np.ndarray:
        """Lay background over a joint; return which joints (K,) are now hidden."""
        size = self._side(rng, scene)
        middle = scene.joints[joint] + rng.uniform(-0.25, 0.25, 2) * size
        place = _corner(middle, size)
        sources = _corner(
            rng.random((_TRIES, 2)) * (scene.shape - size) + size / 2, size
        )
        sources = sources[scene.is_background(sources, size)]
        if not (scene.is_inside(place, size) and len(sources)):
            return np.zeros_like(scene.annotated)
        _paste(picture, place, scene.cut(sources[0], size))
        return scene.annotated & scene.covered(place, size)

    def _copy(
        self,
        rng: np.random.Generator,
        scene: '_Scene',
        picture: np.ndarray,
        joint: int,
        hidden: np.ndarray,
    ) -> None:
        """Copy a joint to the background, no further than the body's size away."""
        size = self._side(rng, scene)
        source = _corner(scene.joints[joint], size)
        away = rng.uniform(-scene.body, scene.body, (_TRIES, 2))
        places = _corner(scene.joints[joint] + away, size)
        places = places[scene.is_background(places, size)]
        if (
            scene.is_inside(source, size)
            and len(places)
            and not (hidden & scene.covered(source, size)).any()
        ):
            _paste(picture, places[0], scene.cut(source, size))

    def _side(self, rng: np.random.Generator, scene: '_Scene') -> np.ndarray:
        """Draw a patch's width and height in whole pixels."""
        sides = rng.uniform(*self.size, size=2) * scene.body
        return np.maximum(np.round(sides), 1).astype(int)


class _Scene:
    """What a sample shows where: joints, bones and where the photo ends.

    Patches are given by their upper left corners, whole pixels (..., 2), and their
    size (2,), width and height.
    """

    def __init__(self, results: dict, annotated: np.ndarray) -> None:
        self.image = results['img']
        self.shape = np.array(self.image.shape[1::-1])
        self.annotated = annotated
        self.joints = results['transformed_keypoints'][0, :, :2]
        x1, y1, x2, y2 = results['bbox'][0]
        with np.errstate(divide='ignore', invalid='ignore'):  # an empty box
            zoom = results['input_size'][0] / np.float64(results['input_scale'][0])
            self.body = max(x2 - x1, y2 - y1) * zoom
        # What joins data sets hands its own joints on, but the bones of theirs.
        source = results.get('dataset')
        meta = source.metainfo if hasattr(source, 'datasets') else results
        self._bones = self._segments(meta.get('skeleton_links') or ())
        self._to_photo = self._photo = None
        if results.get('bbox_center') is not None and 'ori_shape' in results:
            self._to_photo = cv2.invertAffineTransform(self._crop(results))
            self._photo = np.array(results['ori_shape'][1::-1])

    def _crop(self, results: dict) -> np.ndarray:
        """The matrix (2, 3) by which the joints came from the photo to the input."""
        rotation = results['bbox_rotation'][0] if 'bbox_rotation' in results else 0.0
        plain, udp = (
            warp(
                results['bbox_center'][0],
                results['bbox_scale'][0],
                rotation,
                results['input_size'],
            )
            for warp in (get_warp_matrix, get_udp_warp_matrix)
        )
        if 'keypoints' not in results or not self.annotated.any():
            return plain
        photo = results['keypoints'][0, self.annotated, :2]
        found = self.joints[self.annotated]
        errors = [
            np.abs(photo @ matrix[:, :2].T + matrix[:, 2] - found).max()
            for matrix in (plain, udp)
        ]
        return plain if errors[0] <= errors[1] else udp

    def _segments(self, links: Sequence) -> np.ndarray:
        """Bones (S, 2, 2) between annotated joints, and each joint as a point."""
        pairs = [(joint, joint) for joint in range(len(self.annotated))]
        pairs += [tuple(link) for link in links]
        if np.max(pairs) >= len(self.annotated):
            raise UserError(
                f'KeypointMasking: a bone ends at joint {np.max(pairs)}, and there are '
                f'{len(self.annotated)} joints: the skeleton is of other joints'
            )
        pairs = [pair for pair in pairs if self.annotated[list(pair)].all()]
        return self.joints[np.array(pairs, dtype=int).reshape(-1, 2)]

    def is_inside(self, corner: np.ndarray, size: np.ndarray) -> np.ndarray:
        """Whether patches lie within the picture and the photo."""
        last = corner + size - 1
        inside = (corner >= 0).all(-1) & (last < self.shape).all(-1)
        if self._to_photo is None:
            return inside
        for x, y in ((0, 0), (0, 1), (1, 0), (1, 1)):
            point = corner + (size - 1) * (x, y)
            point = point @ self._to_photo[:, :2].T + self._to_photo[:, 2]
            inside &= (point >= 0).all(-1) & (point <= self._photo - 1).all(-1)
        return inside

    def is_background(self, corner: np.ndarray, size: np.ndarray) -> np.ndarray:
        """Whether patches (M, 2) keep away from the body, and lie inside."""
        start, along = self._bones[:, 0], self._bones[:, 1] - self._bones[:, 0]
        reach = (corner + (size - 1) / 2)[:, None] - start
        share = (reach * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9)
        gap = reach - np.clip(share, 0, 1)[..., None] * along
        distance = np.linalg.norm(gap, axis=-1)
        near = np.linalg.norm(size) / 2 + _LIMB * self.body
        return (distance > near).all(-1) & self.is_inside(corner, size)

    def covered(self, corner: np.ndarray, size: np.ndarray) -> np.ndarray:
        """Which joints (K,) lie under a patch."""
        last = corner + size - 1
        return ((self.joints >= corner - 0.5) & (self.joints <= last + 0.5)).all(-1)

    def cut(self, corner: np.ndarray, size: np.ndarray) -> np.ndarray:
        """Cut a patch out of the original picture."""
        (x, y), (width, height) = corner, size
        return self.image[y : y + height, x : x + width]


def _corner(middle: np.ndarray, size: np.ndarray) -> np.ndarray:
    return np.round(middle - (size - 1) / 2).astype(int)


def _paste(picture: np.ndarray, corner: np.ndarray, patch: np.ndarray) -> None:
    x, y = corner
    picture[y : y + patch.shape[0], x : x + patch.shape[1]] = patch


def _shuffled(rng: np.random.Generator, chosen: np.ndarray) -> np.ndarray:
    return rng.permutation(np.flatnonzero(chosen))
