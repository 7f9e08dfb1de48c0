"""Turn an exported cascade into one of 8-bit integers."""

import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed
from mmpose.registry import DATASETS

from phr_mmpose.deploy.onnx_export import check_cascade, export_onnx
from phr_mmpose.deploy.onnx_heatmaps import CROPS
from phr_mmpose.models.pose_estimators import CascadePoseEstimator
from phr_mmpose.utils.config import building
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path
from phr_mmpose.utils.packages import require

if TYPE_CHECKING:
    import onnx

#: Crops that calibrate, unless another number is wanted. A hundred gave the tiny
#: cascade no other accuracy on LSP.
CROPS_TO_CALIBRATE = 64
#: Crops that are compared, beside those.
HELD_OUT = 16
_LIMIT = 0.5


def training_crops(
    config: Config, path: str | Path, size: tuple[int, int], count: int
) -> np.ndarray:
    """Read crops of persons as training sees them, the same for the same data.

    Args:
        config (Config): With ``train_dataloader``; its data set's ``inputs`` are
            crops in bytes.
        path (str | Path): The config's file, named in errors.
        size (tuple[int, int]): The model's input size in pixels, (w, h).
        count (int): How many, drawn without repeats; the global generators of
            random numbers are seeded for it.

    Returns:
        np.ndarray: (count, 3, H_in, W_in) uint8, BGR.

    Raises:
        UserError: If the data are not there, or come as something else.
    """
    init_default_scope(config.get('default_scope', 'mmpose'))
    with building(path):
        dataset = DATASETS.build(config.train_dataloader.dataset)
    if len(dataset) < count:
        raise UserError(
            f'{path}: its train_dataloader has {len(dataset)} persons, {count} are '
            'wanted; ask for fewer crops'
        )
    # The transforms draw, too.
    set_random_seed(0)
    chosen = np.random.default_rng(0).permutation(len(dataset))[:count]
    # Its own conversion to an array: pipelines may end in tensors or arrays.
    crops = [np.asarray(dataset[int(index)].get('inputs')) for index in chosen]
    shape = (3, *reversed(size))
    if any(crop.dtype != np.uint8 or crop.shape != shape for crop in crops):
        raise UserError(
            f'{path}: its train_dataloader gives no uint8 crops of {size} px (width, '
            'height), as the model takes them; mend its pipeline'
        )
    return np.stack(crops)


def quantize_onnx(
    source: str | Path,
    path: str | Path,
    crops: np.ndarray,
    reduce_range: bool = False,
) -> dict[str, float]:
    """Write an exported cascade anew, its networks in 8-bit integers.

    Weights have a scale per channel, activations one per tensor: from the least
    and the largest value of each crop, averaged over the crops. These stay in
    float32: the last convolutions, and with them the heatmaps; and the backbone's
    layers on grids of more than a quarter of the input, whose channels differ most
    in range. A light backbone is as fast so; VGG has a fourteenth of its work there.

    Letters: N crops.

    Args:
        source (str | Path): From :func:`export_onnx`.
        path (str | Path): The file, written whole or not at all.
        crops (np.ndarray): (N, 3, H_in, W_in) uint8, BGR; the last 16 are set
            aside to compare, the others calibrate.
        reduce_range (bool): Use 7 of the weights' 8 bits, so that sums of
            products do not overflow on x86 processors without VNNI. Defaults to
            False.

    Returns:
        dict[str, float]: For each output the root mean square of the difference
        from the source's, over that of the source's.

    Raises:
        UserError: If a package is lacking, there are no more than 16 crops, or
            the integers compute something else (a difference of more than a half).
    """
    if len(crops) <= HELD_OUT:
        raise UserError(f'{len(crops)} crops are too few; give more than {HELD_OUT}')
    require('onnx', 'onnx', 'onnxruntime')
    with atomic_path(path) as temporary, tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder, 'prepared.onnx')
        _quantize(Path(source), prepared, temporary, crops[:-HELD_OUT], reduce_range)
        differences = _compare(Path(source), temporary, crops[-HELD_OUT:])
        for name, difference in differences.items():
            if not difference <= _LIMIT:
                raise UserError(
                    f'the {name} heatmaps of 8-bit integers differ from float32 by '
                    f'{difference:.0%}; train the cascade, or export it with '
                    '--reduce-range (processors without VNNI need that) or without '
                    '--int8'
                )
    return differences


def export_int8(
    model: CascadePoseEstimator,
    config: str | Path,
    path: str | Path,
    count: int = CROPS_TO_CALIBRATE,
    reduce_range: bool = False,
) -> dict[str, float]:
    """Export a model in 8-bit integers, calibrated on its training data.

    Args:
        model (CascadePoseEstimator): From :func:`load_pose_model`.
        config (str | Path): Its config's file, named in errors.
        path (str | Path): The file, written whole or not at all.
        count (int): Crops to calibrate on. Defaults to 64.
        reduce_range (bool): See :func:`quantize_onnx`. Defaults to False.

    Returns:
        dict[str, float]: As :func:`quantize_onnx`.

    Raises:
        UserError: As :func:`export_onnx`, :func:`training_crops` and
            :func:`quantize_onnx`.
    """
    check_cascade(model)
    size = model.head.detector_codec.input_size
    crops = training_crops(model.cfg, config, size, count + HELD_OUT)
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder, 'float32.onnx')
        export_onnx(model, exported)
        return quantize_onnx(exported, path, crops, reduce_range)


def _quantize(
    source: Path, prepared: Path, path: Path, crops: np.ndarray, reduce_range: bool
) -> None:
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):
        """Hands out one crop after the other."""

        def __init__(self) -> None:
            self.crops: Iterator[np.ndarray] = iter(crops)

        def get_next(self) -> Mapping[str, np.ndarray] | None:
            crop = next(self.crops, None)
            return None if crop is None else {CROPS: crop[None]}

    with _quiet():
        # The other way of telling shapes needs sympy, and cascades do not need it.
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        graph = onnx.load(str(prepared)).graph
        quantization.quantize_static(
            str(prepared),
            str(path),
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
            reduce_range=reduce_range,
            nodes_to_exclude=_last_nodes(graph)
            + _fine_nodes(graph, crops.shape[-1] // 4),
            extra_options=dict(CalibMovingAverage=True),
        )


def _last_nodes(graph: 'onnx.GraphProto') -> list[str]:
    """Name the last convolutions and what follows them.

    With 256 levels only, neighbouring cells of a flat peak would be equal, and
    peaks above all that calibrated would be cut off.
    """
    makers = {name: node for node in graph.node for name in node.output}
    wanted, found = [output.name for output in graph.output], set()
    while wanted:
        node = makers.get(wanted.pop())
        if node is not None and node.name not in found:
            found.add(node.name)
            if node.op_type not in ('Conv', 'ConvTranspose'):
                wanted += node.input
    return sorted(found)


def _fine_nodes(graph: 'onnx.GraphProto', width: int) -> list[str]:
    """Name the backbone's layers whose output is wider than ``width`` cells."""
    widths = {
        value.name: value.type.tensor_type.shape.dim[-1].dim_value
        for value in graph.value_info
        if len(value.type.tensor_type.shape.dim) == 4
    }
    return [
        node.name
        for node in graph.node
        if node.name.startswith('/backbone/') and widths.get(node.output[0], 0) > width
    ]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back the quantizer's remarks, which go to the root logger."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)


def _compare(source: Path, path: Path, crops: np.ndarray) -> dict[str, float]:
    import onnxruntime

    maps = []
    for file in (source, path):
        session = onnxruntime.InferenceSession(
            str(file), providers=['CPUExecutionProvider']
        )
        names = [output.name for output in session.get_outputs()]
        # One at a time: a large cascade's activations fill the memory else.
        each = [session.run(names, {CROPS: crop[None]}) for crop in crops]
        maps.append([np.concatenate(one) for one in zip(*each, strict=True)])
    return {
        name: float(np.sqrt(np.square(b - a).mean() / max(np.square(a).mean(), 1e-30)))
        for name, a, b in zip(names, *maps, strict=True)
    }
