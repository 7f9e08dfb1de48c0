"""What fewer digits cost in accuracy: PCK of LSP's test photos."""

import sys
import tempfile
from pathlib import Path

import torch
from mmengine.runner import Runner
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import METRICS

from benchmarks.models import BFLOAT16, FLOAT32, INT8, Subject
from phr_mmpose.apis import load_pose_model
from phr_mmpose.deploy.onnx_quantization import export_int8
from phr_mmpose.utils.config import use_data
from phr_mmpose.utils.errors import UserError


def measure(options: dict) -> dict:
    """Evaluate a checkpoint in every precision.

    Args:
        options (dict): ``model`` (a config), ``weights`` (its checkpoint),
            ``data`` (LSP, prepared), ``device``.

    Returns:
        dict: ``fp32``, ``bf16`` and, where it can be exported, ``int8`` (an ONNX
        file, on the CPU): the total PCK in percent; or ``reason`` where no
        weights or no data are given.
    """
    for key in ('data', 'weights'):
        if not options[key]:
            return dict(reason=f'no --{key} given')
    model = load_pose_model(options['model'], options['weights'], options['device'])
    use_data(model.cfg, options['data'])
    found = {
        precision: _total(Subject(model.cfg, model, precision, options['device']))
        for precision in (FLOAT32, BFLOAT16)
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'int8.onnx')
        try:
            export_int8(model, options['model'], path)
        # Without the packages, or LSPET, the others still count.
        except UserError as error:
            print(f'{INT8}: {error}', file=sys.stderr)
            return found
        quantized = load_pose_model(options['model'], path)
    found[INT8] = _total(Subject(model.cfg, quantized, FLOAT32, 'cpu'))
    return found


def _total(subject: Subject) -> float:
    """Evaluate a model on its config's test data."""
    batches = Runner.build_dataloader(
        dict(subject.config.test_dataloader, persistent_workers=False)
    )
    model: TopdownPoseEstimator = subject.model
    metric = METRICS.build(subject.config.test_evaluator)
    metric.dataset_meta = batches.dataset.metainfo
    with torch.no_grad(), subject.autocast():
        for data in batches:
            predicted = model.test_step(data)
            metric.process(data, [sample.to_dict() for sample in predicted])
    rates = metric.evaluate(len(batches.dataset))
    return float(rates[f'{metric.prefix}/Total'])
