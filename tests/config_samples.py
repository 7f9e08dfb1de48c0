"""Two persons on noise for any config, and one step of it."""

import copy
import json
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.evaluator import Evaluator
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from mmpose.registry import MODELS

from phr_mmpose.engine.freezing import Freezing
from phr_mmpose.engine.stages import StageSchedule, config_stages


def write_persons(folder: Path) -> None:
    """Write two persons on noise, under the names of all the prepared lists."""
    for name in ('images', 'annotations'):
        (folder / name).mkdir()
    random = np.random.default_rng(0)
    for index in range(2):
        picture = random.integers(0, 256, (160, 120, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / 'images' / f'{index}.png'), picture)
    for joints, lists in (
        (14, ('lsp_train', 'lsp_test', 'lspet_train')),
        (16, ('mpii_train', 'mpii_val')),
    ):
        persons = [
            dict(
                image=f'{index}.png',
                center=[60, 80],
                scale=0.7,
                joints=random.uniform(20, 100, (joints, 2)).tolist(),
                joints_vis=[1] * joints,
                joints_visible=[1] * (joints - 1) + [0],
                head_box=[50, 20, 70, 45],
            )
            for index in range(2)
        ]
        for name in lists:
            path = folder / 'annotations' / f'{name}.json'
            path.write_text(json.dumps(persons))


def read_from(config, folder: Path) -> None:
    """Have the data loaders read two persons, in this process."""
    for name in ('train_dataloader', 'test_dataloader'):
        loader = config[name]
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        for entry in entries(loader.dataset):
            if 'ann_file' in entry:
                entry['data_root'] = str(folder)
                entry.pop('indices', None)
            if entry.get('type') == 'FigureDataset':
                entry['num'] = 2


def entries(config):
    """Give a config's dictionaries, however deep."""
    if isinstance(config, dict):
        yield config
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for each in config:
            yield from entries(each)


def first_batch(loader):
    return next(iter(Runner.build_dataloader(loader, seed=0)))


def check_each_stage(config) -> None:
    """See that each stage trains what it names, and that the model predicts."""
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    model.init_weights()

    freezing = Freezing(model)
    for stage in StageSchedule(config_stages(config)).stages:
        batch = first_batch(loader_of(config, stage))
        model.train()
        freezing.train_only(stage.trains)
        before = weights(model)
        optimizer = build_optim_wrapper(model, config.optim_wrapper)
        losses = model.train_step(batch, optimizer)
        assert set(losses) == {'loss', *(f'loss_{part}' for part in stage.trains)}
        assert all(torch.isfinite(torch.as_tensor(loss)) for loss in losses.values())
        after = weights(model)
        changed = [
            part for part in before if not torch.equal(before[part], after[part])
        ]
        assert changed == list(stage.trains), stage.name

    check_predictions(config, model)


def loader_of(config, stage):
    """Give the training's loader with the pipeline that a stage begins with."""
    loader = copy.deepcopy(config.train_dataloader)
    for hook in config.get('custom_hooks', []):
        switches = hook.type == 'mmdet.PipelineSwitchHook'
        if switches and hook.switch_epoch <= stage.first_epoch:
            loader.dataset.pipeline = hook.switch_pipeline
    return loader


def check_predictions(config, model) -> None:
    """See that a model predicts, and that the config's metrics rate it."""
    model.eval()
    batch = first_batch(config.test_dataloader)
    with torch.no_grad():
        results = model.test_step(batch)
    assert len(results) == 2
    for result in results:
        points = result.pred_instances.keypoints
        assert points.shape == (1, model.head.out_channels, 2)
        assert np.isfinite(points).all()
    evaluator = Evaluator(config.test_evaluator)
    evaluator.process(results, batch)
    rates = evaluator.evaluate(2)
    (total,) = (key for key in rates if key.endswith('/Total'))
    assert 0 <= rates[total] <= 100


def weights(model) -> dict[str, torch.Tensor]:
    """All numbers of each part, batch statistics included."""
    return {part: flattened(modules) for part, modules in model.subnetworks().items()}


def flattened(modules) -> torch.Tensor:
    """All numbers of some modules in a row."""
    return torch.cat(
        [
            value.detach().flatten().double()
            for module in modules
            for value in module.state_dict().values()
        ]
    )
