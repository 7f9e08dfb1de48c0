"""Predictions with ONNX Runtime, in float32 and in 8-bit integers."""

import statistics
import tempfile
from pathlib import Path

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmpose.registry import MODELS

from benchmarks.measure import time_calls
from benchmarks.models import FLOAT32, INT8, build
from benchmarks.samples import packed_samples, sample_meta
from phr_mmpose.deploy.onnx_export import export_onnx
from phr_mmpose.deploy.onnx_quantization import HELD_OUT, quantize_onnx
from phr_mmpose.deploy.onnx_weights import onnx_config

# Crops whose values say the ranges of the integers; of random weights, any will do.
_CROPS = 4


def measure(options: dict) -> dict:
    """Time ``test_step`` with either file, in turn.

    Args:
        options (dict): ``model`` (a cascade's config), ``device``, ``batch``,
            ``calls``, ``warmup``.

    Returns:
        dict: ``fp32_images_per_s`` and ``int8_images_per_s``; or ``reason`` on
        a GPU.
    """
    if options['device'] != 'cpu':
        return dict(reason='ONNX files are computed on the CPU')
    subject = build(options['model'], FLOAT32, 'cpu')
    joints = subject.config.model.head.out_channels
    subject.model.dataset_meta = dict(
        sample_meta(joints), keypoint_id2name={i: str(i) for i in range(joints)}
    )
    pipeline = subject.config.test_dataloader.dataset.pipeline
    samples = packed_samples(
        options['model'],
        subject.config,
        pipeline,
        max(options['batch'], _CROPS + HELD_OUT),
    )
    data = pseudo_collate(samples[: options['batch']])
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder, f'{name}.onnx') for name in (FLOAT32, INT8)}
        export_onnx(subject.model.eval(), files[FLOAT32])
        crops = np.stack([sample['inputs'].numpy() for sample in samples])
        quantize_onnx(files[FLOAT32], files[INT8], crops[-_CROPS - HELD_OUT :])
        models = {
            name: MODELS.build(onnx_config(subject.config.model, file)).eval()
            for name, file in files.items()
        }
    del subject
    seconds: dict[str, list[float]] = {name: [] for name in models}
    with torch.no_grad():
        for _ in range(options['calls']):
            for name, model in models.items():
                seconds[name] += time_calls(
                    lambda model=model: model.test_step(data),
                    'cpu',
                    1,
                    options['warmup'],
                )
    return {
        f'{name}_images_per_s': options['batch'] / statistics.median(each)
        for name, each in seconds.items()
    }
