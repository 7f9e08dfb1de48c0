"""The cascade with ONNX Runtime for its networks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmpose.models.pose_estimators.topdown import TopdownPoseEstimator
from mmpose.registry import MODELS

import phr_mmpose.deploy.onnx_head
import phr_mmpose.deploy.onnx_heatmaps  # noqa: F401  (registered)
from phr_mmpose.models.heads import CascadeHeatmapRegressionHead
from phr_mmpose.renamed import refuse_renamed
from phr_mmpose.utils.errors import UserError

_CODECS = (
    'input_size',
    'heatmap_size',
    'detector_codec',
    'refiner_codec',
    'out_channels',
)


@MODELS.register_module()
class OnnxPoseEstimator(TopdownPoseEstimator):
    """Top-down estimator that predicts with an exported cascade, on the CPU.

    A config that is based on the cascade's own needs no more than
    ``model=dict(type='OnnxPoseEstimator', file='OUT.onnx')``.

    Args:
        file (str): As ``tools/export_onnx.py`` writes it.
        head (dict): The config of the cascade's head, for its codecs.
        test_cfg (dict, optional): As for the cascade.
        metainfo (dict, optional): As for ``TopdownPoseEstimator``.
        **cascade: What else the config of the cascade's model has; not used.

    Raises:
        UserError: If the file cannot be read, or is not of this head.
    """

    def __init__(
        self,
        file: str,
        head: dict,
        test_cfg: dict | None = None,
        metainfo: dict | None = None,
        **cascade,
    ) -> None:
        if not _is_cascade(head.get('type')):
            raise UserError(
                f'{file}: is of a cascade, and the head of the config is '
                f'{head.get("type")}; use it with the config that it was exported with'
            )
        refuse_renamed(head, decoder='refiner_codec')
        codecs = {key: head[key] for key in _CODECS if key in head}
        super().__init__(
            # Neither mean nor channel order: they are in the file.
            data_preprocessor=dict(type='PoseDataPreprocessor'),
            backbone=dict(type='OnnxHeatmaps', file=str(file)),
            head=dict(
                type='OnnxHead',
                alone=head.get('refiner', {}) is None,
                **codecs,
            ),
            test_cfg=test_cfg,
            metainfo=metainfo,
        )
        self._check(str(file))

    def _check(self, file: str) -> None:
        """Refuse a file that another config was exported to."""
        facts, codec = self.backbone.facts, self.head.detector_codec
        for name, found, expected in (
            ('input_size', facts['input_size'], list(codec.input_size)),
            ('heatmap_size', facts['heatmap_size'], list(codec.heatmap_size)),
            ('number of joints', len(facts['joints']), self.head.out_channels),
            (
                'number of outputs',
                len(self.backbone.outputs),
                len(self.head.subnetworks),
            ),
        ):
            if found != expected:
                raise UserError(
                    f"{file}: its {name} is {found}, the config's {expected}; use it "
                    'with the config that it was exported with'
                )

    def test_step(self, data: Any) -> list:
        """Predict a batch, as MMEngine's ``BaseModel`` does.

        Args:
            data (dict | tuple | list): From a data loader.

        Returns:
            list[PoseDataSample]: With ``pred_instances``.
        """
        with _one_thread():
            return super().test_step(data)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let PyTorch work with one thread.

    What it does before and after the networks is little, and its other threads go on
    spinning for milliseconds afterwards, on the cores that ONNX Runtime needs.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _is_cascade(name: str | type | None) -> bool:
    """Whether a head's type is one that can be exported."""
    kind = MODELS.get(name) if isinstance(name, str) else name
    return isinstance(kind, type) and issubclass(kind, CascadeHeatmapRegressionHead)
