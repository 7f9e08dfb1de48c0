"""The cascade with ONNX Runtime for its networks."""

from collections.abc import Mapping

from mmpose.models.pose_estimators.topdown import TopdownPoseEstimator
from mmpose.registry import MODELS
from torch import Tensor

from phr_mmpose.models.batch_sizes import predict_in_parts
from phr_mmpose.models.heads import CascadeHeatmapRegressionHead
from phr_mmpose.models.pose_estimators.pred_instances import add_joints
from phr_mmpose.models.pose_estimators.views import extract_views
from phr_mmpose.utils.errors import UserError

_CODECS = ('input_size', 'heatmap_size', 'detector_codec', 'decoder', 'out_channels')


@MODELS.register_module()
class OnnxPoseEstimator(TopdownPoseEstimator):
    """Top-down estimator that predicts with an exported cascade, on the CPU.

    A config that is based on the cascade's own needs no more than
    ``model=dict(type='OnnxPoseEstimator', file='OUT.onnx')``.

    Args:
        file (str): As ``tools/export_onnx.py`` writes it.
        head (dict): The config of the cascade's head, for its codecs.
        test_cfg (dict, optional): ``flip_test``, ``flip_batch`` and what the
            cascade's head knows. The precision is the file's.
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
        codecs = {key: head[key] for key in _CODECS if key in head}
        super().__init__(
            # Neither mean nor channel order: they are in the file.
            data_preprocessor=dict(type='PoseDataPreprocessor'),
            backbone=dict(type='OnnxMaps', file=str(file)),
            head=dict(
                type='OnnxMapsHead',
                alone=head.get('refiner', {}) is None,
                **codecs,
            ),
            test_cfg=test_cfg,
            metainfo=metainfo,
        )
        self._check(str(file))

    def _check(self, file: str) -> None:
        """Refuse a file that another config was exported to."""
        facts, decoder = self.backbone.facts, self.head.decoder
        for name, found, expected in (
            ('input_size', facts['input_size'], list(decoder.input_size)),
            ('heatmap_size', facts['heatmap_size'], list(decoder.heatmap_size)),
            ('number of joints', len(facts['joints']), self.head.out_channels),
            ('number of maps', len(self.backbone.outputs), len(self.head.parts)),
        ):
            if found != expected:
                raise UserError(
                    f"{file}: its {name} is {found}, the config's {expected}; use it "
                    'with the config that it was exported with'
                )

    def predict(self, inputs: Tensor, data_samples: list) -> list:
        """Predict the joints of a batch.

        Args:
            inputs (Tensor): Crops (B, 3, H, W), BGR, not normalised.
            data_samples (list[PoseDataSample]): Their samples.

        Returns:
            list[PoseDataSample]: The samples, as from
            :meth:`CascadePoseEstimator.predict`.
        """
        # Where the framework has put them on a GPU, too.
        return predict_in_parts(self._predict, inputs.cpu(), data_samples)

    def _predict(self, inputs: Tensor, data_samples: list) -> list:
        test_cfg: Mapping = self.test_cfg or {}
        feats = extract_views(self.extract_feat, inputs, test_cfg)
        joints = self.head.predict_joints(feats, data_samples, test_cfg)
        return add_joints(joints, data_samples, test_cfg)


def _is_cascade(name: str | type | None) -> bool:
    """Whether a head's type is one that can be exported."""
    kind = MODELS.get(name) if isinstance(name, str) else name
    return isinstance(kind, type) and issubclass(kind, CascadeHeatmapRegressionHead)
