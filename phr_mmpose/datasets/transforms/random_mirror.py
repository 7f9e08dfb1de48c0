"""Left and right exchanged, without touching the photo."""

from mmpose.registry import TRANSFORMS

from phr_mmpose.datasets.transforms.random_transform import RandomTransform
from phr_mmpose.utils.errors import UserError


@TRANSFORMS.register_module()
class RandomMirror(RandomTransform):
    """Draw whether a person is mirrored; ``LoadPersonCrop`` does it.

    MMPose's ``RandomFlip`` mirrors the whole photo, although the crop shows only a part
    of it. Before ``TopdownAffine``, which mirrors nothing, use ``RandomFlip``. See
    :class:`RandomTransform` for where the numbers come from.

    Added keys: ``mirror`` (bool), which ``LoadPersonCrop`` replaces by ``flip`` and
    ``flip_direction``.

    Args:
        prob (float): How often to mirror. Defaults to 0.5.

    Raises:
        UserError: If ``prob`` is not within [0, 1].
    """

    def __init__(self, prob: float = 0.5) -> None:
        super().__init__()
        if not 0 <= prob <= 1:
            raise UserError(f'prob must lie in 0 to 1, got {prob}')
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Draw for one sample.

        Args:
            results (dict): The pipeline's results.

        Returns:
            dict: The same, with ``mirror``.
        """
        results['mirror'] = bool(self.rng(results).random() < self.prob)
        return results
