"""Keypoints in another order, with both flags."""

from copy import copy

import numpy as np
from mmpose.datasets.transforms import KeypointConverter
from mmpose.registry import TRANSFORMS

from phr_mmpose.utils.errors import UserError


@TRANSFORMS.register_module()
class VisibilityKeypointConverter(KeypointConverter):
    """MMPose's ``KeypointConverter`` that keeps which joints are hidden.

    MMPose drops the second channel of ``keypoints_visible`` and puts another
    number in its place. Here every channel is converted as the first one is: a
    joint between two sources is annotated, or visible, if both of them are. A
    joint without a source is neither.

    Letters: N persons, S source joints, K target joints.

    Required and modified keys: ``keypoints`` (N, S, 2), which become (N, K, 2);
    ``keypoints_visible`` (N, S, 2) as [annotated, visible], or (N, S) where
    visibility is unknown, which become (N, K, 2) or (N, K).

    Bones (``skeleton_links``) stay between the joints that are taken as they are.
    ``flip_indices`` become those of the target joints: the mirror of a joint is made of
    the mirrors of its sources, and a joint without such a one is its own.

    Args:
        num_keypoints (int): Target joints K.
        mapping (list[tuple]): Pairs (source, target); a source may be a pair of
            joints, whose middle is taken.

    Raises:
        UserError: If it stands after the transform that crops.
    """

    def __init__(self, num_keypoints: int, mapping: list[tuple]) -> None:
        super().__init__(num_keypoints, mapping)
        others = self.source_index2 if self.interpolation else self.source_index
        #: Which joints are made of which source, or of which two.
        self._places: dict[frozenset[int], list[int]] = {}
        for *sources, target in zip(
            self.source_index, others, self.target_index, strict=True
        ):
            self._places.setdefault(frozenset(sources), []).append(target)

    def transform(self, results: dict) -> dict:
        """Convert one sample.

        Args:
            results (dict): The pipeline's results.

        Returns:
            dict: The same, with the target joints.
        """
        if results.get('transformed_keypoints') is not None:
            raise UserError(
                'VisibilityKeypointConverter stands after the crop, whose joints it '
                'would leave as they are; put it before'
            )
        keypoints = results['keypoints']
        source = results.get('keypoints_visible')
        if source is None:
            source = np.ones(keypoints.shape[:2], dtype=np.float32)
        # MMPose's converter overwrites it.
        mirror = copy(results.get('flip_indices'))
        results = super().transform(results)
        flags = np.zeros(
            (len(source), self.num_keypoints, *source.shape[2:]), source.dtype
        )
        flags[:, self.target_index] = source[:, self.source_index]
        if self.interpolation:
            flags[:, self.target_index] *= source[:, self.source_index2]
        places = self._places
        if results.get('skeleton_links') is not None:
            links = [
                [places.get(frozenset([joint]), [None])[0] for joint in link]
                for link in results['skeleton_links']
            ]
            results['skeleton_links'] = [
                tuple(link) for link in links if None not in link
            ]
        if mirror is not None:
            flips = list(range(self.num_keypoints))
            for joints, targets in places.items():
                mirrored = places.get(frozenset(mirror[joint] for joint in joints), ())
                # Of a source that is taken twice, the first goes with the first.
                for target, other in zip(targets, mirrored, strict=False):
                    flips[target] = other
            results['flip_indices'] = flips
        results['keypoints_visible'] = flags
        results['keypoints'] = results['keypoints'].astype(keypoints.dtype)
        return results


def loses_visibility(dataset: object) -> bool:
    """Whether MMPose's own converter stands in a pipeline of a data set.

    Args:
        dataset (object): A data set, or what wraps or joins several.

    Returns:
        bool: True if so: of its keypoints nobody knows which are hidden.
    """
    transforms = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    parts = [*getattr(dataset, 'datasets', ()), getattr(dataset, 'dataset', None)]
    return any(type(each) is KeypointConverter for each in transforms) or any(
        loses_visibility(part) for part in parts if part is not None
    )
