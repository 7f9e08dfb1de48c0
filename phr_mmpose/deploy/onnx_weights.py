"""ONNX files in the place of checkpoints."""

from collections.abc import Mapping
from pathlib import Path

from mmengine.config import ConfigDict

from phr_mmpose.deploy.onnx_pose_estimator import OnnxPoseEstimator
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.joints_meta import joint_names


def is_onnx(weights: str | Path) -> bool:
    """Say whether weights are an ONNX file, by the name.

    Args:
        weights (str | Path): A path.
    """
    return Path(weights).suffix.lower() == '.onnx'


def onnx_config(model: ConfigDict, file: str | Path) -> ConfigDict:
    """Let a cascade's config predict with the file that it was exported to.

    Args:
        model (ConfigDict): The model of the cascade's config.
        file (str | Path): From ``tools/export_onnx.py``.

    Returns:
        ConfigDict: The config of an :class:`OnnxPoseEstimator`.
    """
    return ConfigDict({**model, 'type': 'OnnxPoseEstimator', 'file': str(file)})


def check_same_joints(
    model: OnnxPoseEstimator, meta: Mapping, config: str | Path
) -> None:
    """Refuse an ONNX file whose joints are not the test data's.

    Args:
        model (OnnxPoseEstimator): Has the file.
        meta (Mapping): Of the test data.
        config (str | Path): The config, named in errors.

    Raises:
        UserError: If names or order differ, or which are on the other side.
    """
    facts = model.backbone.facts
    for what, found, expected in (
        ('joints', facts['joints'], joint_names(meta)),
        ('flip_indices', facts['flip_indices'], list(map(int, meta['flip_indices']))),
    ):
        if found != expected:
            raise UserError(
                f'{model.backbone.file}: its {what} {found} are not those of '
                f"{config}'s test_dataloader.dataset, {expected}; use it with the "
                'config that it was exported with'
            )
