"""Fixtures: a small cascade with random weights, and photos to run it on."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from phr_mmpose.datasets.joints import LSP14_METAINFO
from phr_mmpose.utils.config import load_config

CONFIG = str(Path(__file__).resolve().parents[1] / 'configs' / 'phr_tiny_lsp.py')


@pytest.fixture(scope='session')
def config() -> str:
    return CONFIG


@pytest.fixture(scope='session')
def checkpoints(tmp_path_factory) -> dict[str, str]:
    """``with_meta`` as MMEngine writes it, ``without_meta`` with weights alone."""
    # Only after phr_mmpose has seen to it that this imports.
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    folder = tmp_path_factory.mktemp('checkpoints')
    weights = random_weights(CONFIG)
    meta = dict(dataset_meta=parse_pose_metainfo(LSP14_METAINFO))
    torch.save(dict(state_dict=weights, meta=meta), folder / 'with_meta.pth')
    torch.save(dict(state_dict=weights), folder / 'without_meta.pth')
    return {path.stem: str(path) for path in folder.iterdir()}


@pytest.fixture(scope='session')
def exported(config, checkpoints, tmp_path_factory) -> str:
    """The cascade of ``config`` as an ONNX file."""
    pytest.importorskip('onnx', reason='needs the extra "onnx"')
    pytest.importorskip('onnxruntime', reason='needs the extra "onnx"')
    from phr_mmpose.apis.pose_model import load_pose_model
    from phr_mmpose.deploy.onnx_export import export_onnx

    path = tmp_path_factory.mktemp('onnx') / 'cascade.onnx'
    export_onnx(load_pose_model(config, checkpoints['with_meta'], 'cpu'), path)
    return str(path)


def random_weights(config: str) -> dict[str, torch.Tensor]:
    """Weights of a config's model that answer each photo differently."""
    from mmpose.models.builder import build_pose_estimator

    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpose'):
        model = build_pose_estimator(load_config(config).model)
    # Zero scoring layers would put every joint into the same corner.
    for parameter in model.head.parameters():
        if parameter.abs().max() == 0:
            torch.nn.init.normal_(parameter, std=0.1)
    return model.state_dict()


@pytest.fixture(scope='session')
def photo() -> np.ndarray:
    """Smooth noise, 90 px wide and 120 px high."""
    noise = np.random.default_rng(0).integers(0, 255, (12, 9, 3), dtype=np.uint8)
    return cv2.resize(noise, (90, 120), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def folder(tmp_path, photo) -> Path:
    """Two photos, a video of three frames and a file that is neither."""
    path = tmp_path / 'photos'
    path.mkdir()
    cv2.imwrite(str(path / 'a.png'), photo)
    cv2.imwrite(str(path / 'b.jpg'), photo[:, ::-1])
    (path / 'notes.txt').write_text('no photo')
    video = cv2.VideoWriter(
        str(path / 'clip.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 10, (90, 120)
    )
    for _ in range(3):
        video.write(photo)
    video.release()
    return path


@pytest.fixture
def cut_video(tmp_path, photo) -> Path:
    """The first half of the bytes of a video of twelve frames."""
    path = tmp_path / 'cut.avi'
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, (90, 120))
    for _ in range(12):
        video.write(photo)
    video.release()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path
