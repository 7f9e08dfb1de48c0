"""Keypoints in another order, with both flags."""

import numpy as np
from mmpose.datasets.transforms import KeypointConverter
from mmpose.registry import TRANSFORMS


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

    Args:
        num_keypoints (int): Target joints K.
        mapping (list[tuple]): Pairs (source, target); a source may be a pair of
            joints, whose middle is taken.
    """

    def __init__(self, num_keypoints: int, mapping: list[tuple]) -> None:
        super().__init__(num_keypoints, mapping)
        others = self.source_index2 if self.interpolation else self.source_index
        #: Where joints go that are taken as they are.
        self._places = {
            source: target
            for source, other, target in zip(
                self.source_index, others, self.target_index, strict=True
            )
            if source == other
        }

    def transform(self, results: dict) -> dict:
        """Convert one sample.

        Args:
            results (dict): The pipeline's results.

        Returns:
            dict: The same, with the target joints.
        """
        keypoints = results['keypoints']
        source = results.get('keypoints_visible')
        if source is None:
            source = np.ones(keypoints.shape[:2], dtype=np.float32)
        results = super().transform(results)
        flags = np.zeros(
            (len(source), self.num_keypoints, *source.shape[2:]), source.dtype
        )
        flags[:, self.target_index] = source[:, self.source_index]
        if self.interpolation:
            flags[:, self.target_index] *= source[:, self.source_index2]
        if results.get('skeleton_links') is not None:
            places = self._places
            results['skeleton_links'] = [
                (places[first], places[second])
                for first, second in results['skeleton_links']
                if first in places and second in places
            ]
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
