"""Write a cascade as an ONNX file, and see that it computes the same."""

import inspect
import json
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from phr_mmpose.deploy.onnx_heatmaps import CROPS
from phr_mmpose.models.fusing import fuse_conv_bn
from phr_mmpose.models.heads import CascadeHeatmapRegressionHead
from phr_mmpose.models.pose_estimators import CascadePoseEstimator
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path
from phr_mmpose.utils.joints_meta import joint_names
from phr_mmpose.utils.packages import require

TOLERANCE = 1e-4
_OPSET = 17


class ExportedCascade(nn.Module):
    """What the file computes: from crops as they are to both subnetworks' heatmaps.

    Letters: B crops, K joints, H x W the heatmap grid.

    Args:
        model (CascadePoseEstimator): Copied, with batch normalisation fused.

    Raises:
        UserError: If it is no cascade.
    """

    def __init__(self, model: CascadePoseEstimator) -> None:
        super().__init__()
        check_cascade(model)
        head = model.head
        self.model = fuse_conv_bn(model).cpu().float()
        # The layout of memory is the runtime's business.
        self.model.memory_format = torch.contiguous_format
        self.model.to(memory_format=torch.contiguous_format)
        self.outputs = head.subnetworks

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        """Compute the heatmaps.

        Args:
            crops (Tensor): (B, 3, H_in, W_in) uint8, BGR, of the input size.

        Returns:
            tuple[Tensor, ...]: The detector's probabilities and, where there is
            a refiner, its confidences, (B, K, H, W) float32 each.
        """
        preprocessor = self.model.data_preprocessor
        images = crops
        if preprocessor._channel_conversion:
            images = torch.cat((crops[:, 2:3], crops[:, 1:2], crops[:, 0:1]), dim=1)
        images = images.float()
        if preprocessor._enable_normalize:
            images = (images - preprocessor.mean) / preprocessor.std
        head = self.model.head
        logits, last = head(self.model.extract_feat(images))
        return (head.estimate(logits), last)[: len(self.outputs)]


def check_cascade(model: nn.Module) -> None:
    """Refuse a model that cannot be exported.

    Args:
        model (nn.Module): The model.

    Raises:
        UserError: If it is no cascade.
    """
    head = getattr(model, 'head', None)
    if not isinstance(head, CascadeHeatmapRegressionHead):
        raise UserError(
            f'{type(head).__name__} cannot be exported; give the config of a '
            'cascade and weights that match it'
        )


def export_onnx(model: CascadePoseEstimator, path: str | Path) -> dict[str, float]:
    """Write a model as an ONNX file, after a look at what it computes.

    Input ``crops`` (B, 3, H_in, W_in) uint8, BGR, any B; outputs ``detector``
    and, unless the cascade has no refiner, ``refiner``, see
    :class:`ExportedCascade`. The file's metadata have ``input_size`` and
    ``heatmap_size`` ([width, height]), ``joints`` (K names) and
    ``flip_indices``, as JSON.

    Args:
        model (CascadePoseEstimator): From :func:`load_pose_model`.
        path (str | Path): The file, written whole or not at all.

    Returns:
        dict[str, float]: For each output the largest difference from torch's.

    Raises:
        UserError: If the model is no cascade, a package is lacking, or the file
            computes other heatmaps than torch, by more than 1e-4 of their range (or
            of 1, if that is more).
    """
    require('onnx', 'onnx', 'onnxruntime', 'onnxslim')
    exported = ExportedCascade(model).eval()
    width, height = exported.model.head.detector_codec.input_size
    generator = torch.Generator().manual_seed(0)
    crops = torch.randint(
        0, 256, (3, 3, height, width), dtype=torch.uint8, generator=generator
    )
    with atomic_path(path) as temporary:
        _write(exported, crops[:2], temporary)
        _describe(model, temporary)
        return _compare(exported, crops, temporary)


def _write(exported: ExportedCascade, crops: Tensor, path: Path) -> None:
    options = {}
    # The exporter that traces: it is in every torch from 2.1 on and needs no
    # package beside onnx. Later ones have to be asked for it.
    if 'dynamo' in inspect.signature(torch.onnx.export).parameters:
        options['dynamo'] = False
    names = (CROPS, *exported.outputs)
    with torch.no_grad(), warnings.catch_warnings():
        # Of checks of sizes, which are the same for every batch.
        warnings.simplefilter('ignore')
        torch.onnx.export(
            exported,
            (crops,),
            str(path),
            input_names=[CROPS],
            output_names=list(exported.outputs),
            dynamic_axes={name: {0: 'batch'} for name in names},
            opset_version=_OPSET,
            **options,
        )


def _describe(model: CascadePoseEstimator, path: Path) -> None:
    """Tidy the file, add what a program needs to know of the heatmaps, check it."""
    import onnx
    import onnxslim

    meta = model.dataset_meta
    names = joint_names(meta)
    codec = model.head.detector_codec
    facts = dict(
        input_size=codec.input_size,
        heatmap_size=codec.heatmap_size,
        joints=names,
        flip_indices=[int(index) for index in meta['flip_indices']],
    )
    # Computes in advance what depends on the input's size alone, such as padding. Left
    # in the file it costs time, and the quantizer would round sizes to its 256 levels.
    content = onnxslim.slim(onnx.load(str(path)))
    # The exporter loses track of sizes where maps are resized.
    for output in content.graph.output:
        sizes = output.type.tensor_type.shape.dim
        fixed = (len(names), *codec.heatmap_size[::-1])
        for size, value in zip(sizes[1:], fixed, strict=True):
            size.dim_value = value
    onnx.helper.set_model_props(
        content, {key: json.dumps(value) for key, value in facts.items()}
    )
    onnx.checker.check_model(content)
    onnx.save(content, str(path))


def _compare(exported: ExportedCascade, crops: Tensor, path: Path) -> dict[str, float]:
    """Run file and model on one crop and on three; refuse what differs."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(path), providers=['CPUExecutionProvider']
    )
    differences = dict.fromkeys(exported.outputs, 0.0)
    for batch in (crops[:1], crops):
        with torch.no_grad():
            expected = [each.numpy() for each in exported(batch)]
        found = session.run(list(exported.outputs), {CROPS: batch.numpy()})
        for name, a, b in zip(exported.outputs, found, expected, strict=True):
            difference = float(np.abs(a - b).max())
            if not difference <= TOLERANCE * max(1, float(np.abs(b).max())):
                raise UserError(
                    f'the exported {name} heatmaps differ from torch by '
                    f'{difference:.2g}; nothing was written'
                )
            differences[name] = max(differences[name], difference)
    return differences
