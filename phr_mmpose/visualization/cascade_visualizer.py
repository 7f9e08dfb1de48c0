"""Poses that tell what was seen from what was inferred, in MMPose's visualizer."""

import numpy as np
from mmengine.structures import InstanceData
from mmpose.registry import VISUALIZERS
from mmpose.visualization import PoseLocalVisualizer

from phr_mmpose.visualization.poses import draw_poses


@VISUALIZERS.register_module()
class CascadeVisualizer(PoseLocalVisualizer):
    """Draws every predicted keypoint: filled where seen, hollow where inferred.

    ``PoseLocalVisualizer`` leaves out the keypoints whose ``keypoints_visible`` is
    below ``kpt_thr``. Of a cascade this is the probability that a keypoint is
    visible, so that those which the refiner inferred would vanish. Here they are
    rings, and the limbs that end in one are dashed. Of an annotation those are
    hollow that are known to be hidden, and those without annotation are left out.

    Args:
        As for ``PoseLocalVisualizer``; of keypoints and limbs its widths,
        radii and colours go unused: strokes are scaled to each person, and colours
        are those of the data set's ``metainfo``.
    """

    def _draw_instances_kpts(
        self,
        image: np.ndarray,
        instances: InstanceData,
        kpt_thr: float = 0.3,
        show_kpt_idx: bool = False,
        skeleton_style: str = 'mmpose',
    ) -> np.ndarray:
        """Draw the keypoints of a prediction or an annotation.

        Args:
            image (np.ndarray): (H, W, 3), RGB.
            instances (InstanceData): ``keypoints`` (N, K, 2), and perhaps
                ``keypoints_visible`` and ``keypoints_unoccluded`` (N, K); or both in
                ``keypoints_visible`` (N, K, 2), as MMPose's ``PackPoseInputs`` hands
                on this package's flags. Where it has ``transformed_keypoints``
                (N, K, 2), the picture is the input.
            kpt_thr (float): Predicted keypoints that are visible with a lower
                probability are hollow. Defaults to 0.3.
            show_kpt_idx (bool): Write each keypoint's number. Defaults to False.
            skeleton_style (str): As for ``PoseLocalVisualizer``, which draws any
                other style than its own. Defaults to ``'mmpose'``.

        Returns:
            np.ndarray: (H, W, 3), RGB.
        """
        if skeleton_style != 'mmpose' or 'keypoints' not in instances:
            return super()._draw_instances_kpts(
                image, instances, kpt_thr, show_kpt_idx, skeleton_style
            )
        keypoints = instances.get('transformed_keypoints', instances.keypoints)
        keypoints = np.asarray(keypoints)[..., :2]
        visible = np.asarray(instances.get('keypoints_visible', np.ones(1)))
        if visible.ndim == 3:
            visible, unoccluded = visible[..., 0], visible[..., 1]
        else:
            visible = np.broadcast_to(visible, keypoints.shape[:2])
            unoccluded = instances.get('keypoints_unoccluded', visible)
        if 'keypoint_scores' in instances:
            drawn, hollow = np.ones_like(visible, bool), visible < kpt_thr
        else:
            drawn, hollow = visible > 0, np.asarray(unoccluded) == 0
        picture = draw_poses(
            image[..., ::-1], keypoints, self.dataset_meta, hollow, drawn
        )
        self.set_image(np.ascontiguousarray(picture[..., ::-1]))
        if show_kpt_idx:
            for person, joint in np.argwhere(drawn):
                self.draw_texts(
                    str(joint),
                    keypoints[person, joint],
                    colors=(255, 255, 255),
                    font_sizes=self.radius * 3,
                    vertical_alignments='bottom',
                    horizontal_alignments='center',
                )
        return self.get_image()
