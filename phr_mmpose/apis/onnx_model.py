"""ONNX files in the place of checkpoints."""

from pathlib import Path

from mmengine.config import ConfigDict


def is_onnx(weights: str | Path) -> bool:
    """Say whether weights are an ONNX file, by the name.

    Args:
        weights (str | Path): A path.
    """
    return Path(weights).suffix.lower() == '.onnx'


def onnx_model(model: ConfigDict, file: str | Path) -> ConfigDict:
    """Let a cascade's config predict with the file that it was exported to.

    Args:
        model (ConfigDict): The model of the cascade's config.
        file (str | Path): From ``tools/export_onnx.py``.

    Returns:
        ConfigDict: The config of an :class:`OnnxPoseEstimator`.
    """
    return ConfigDict({**model, 'type': 'OnnxPoseEstimator', 'file': str(file)})
