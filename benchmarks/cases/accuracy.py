"""What bfloat16 costs in accuracy: PCK of LSP's test photos in both precisions."""

from pathlib import Path

import torch
from mmengine.runner import Runner
from mmpose.registry import METRICS

from benchmarks.models import BFLOAT16, FLOAT32, Subject
from phr_mmpose.apis import load_pose_model


def measure(options: dict) -> dict:
    """Evaluate a checkpoint in both precisions.

    Args:
        options (dict): ``model`` (a config), ``weights`` (its checkpoint),
            ``data`` (LSP, prepared), ``device``.

    Returns:
        dict: ``fp32`` and ``bf16``, the total PCK in percent; or ``reason``
        where no weights or no data are given.
    """
    for key in ('data', 'weights'):
        if not options[key]:
            return dict(reason=f'no --{key} given')
    model = load_pose_model(options['model'], options['weights'], options['device'])
    loader = dict(model.cfg.test_dataloader, persistent_workers=False)
    loader['dataset'] = dict(
        loader['dataset'], data_root=str(Path(options['data']).resolve())
    )
    found = {}
    for precision in (FLOAT32, BFLOAT16):
        subject = Subject(model.cfg, model, precision, options['device'])
        batches = Runner.build_dataloader(loader)
        metric = METRICS.build(model.cfg.test_evaluator)
        metric.dataset_meta = batches.dataset.metainfo
        with torch.no_grad(), subject.autocast():
            for data in batches:
                predicted = model.test_step(data)
                metric.process(data, [sample.to_dict() for sample in predicted])
        found[precision] = float(metric.evaluate(len(batches.dataset))['Total'])
    return found
