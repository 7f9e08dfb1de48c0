"""A model of three weights that trains in MMEngine's runner in no time."""

import uuid

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmpose.registry import DATASETS, MODELS
from torch import nn
from torch.utils.data import Dataset

import phr_mmpose  # noqa: F401


@MODELS.register_module()
class ToyCascade(BaseModel):
    """Has the cascade's names; the gradient of each weight that trains is 1."""

    def __init__(self, refiner=True):
        super().__init__()
        self.backbone = nn.Linear(1, 1, bias=False)
        self.head = nn.Module()
        self.head.detector = nn.Linear(1, 1, bias=False)
        self.head.refiner = nn.Linear(1, 1, bias=False) if refiner else None

    def subnetworks(self):
        parts = dict(detector=[self.backbone, self.head.detector])
        if self.head.refiner is not None:
            parts['refiner'] = [self.head.refiner]
        return parts

    def forward(self, inputs, data_samples=None, mode='loss'):
        trained = [each for each in self.parameters() if each.requires_grad]
        return dict(loss=sum(each.sum() for each in trained))


@DATASETS.register_module()
class Numbers(Dataset):
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return dict(inputs=torch.zeros(1), data_samples=index)


class Record(Hook):
    """Note the rates and the weights of every iteration, by group."""

    def __init__(self):
        self.rates, self.weights = [], []

    def before_train(self, runner):
        self.note(runner)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        groups = runner.optim_wrapper.optimizer.param_groups
        self.rates.append([group['lr'] for group in groups])

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.note(runner)

    def note(self, runner):
        self.weights.append([each.item() for each in runner.model.parameters()])


def run_toy(work_dir, stages, optim_wrapper, per_epoch=2, **changes):
    """Train the toy in stages.

    Args:
        work_dir: For the log and the checkpoints.
        stages: The stages.
        optim_wrapper: Config of the optimizer wrapper.
        per_epoch: Iterations of an epoch.
        **changes: Other values of the config.

    Returns:
        tuple: The runner and the record of its iterations.
    """
    record = Record()
    config = dict(
        default_scope='mmpose',
        experiment_name=uuid.uuid4().hex,
        work_dir=str(work_dir),
        model=dict(type='ToyCascade'),
        train_dataloader=dict(
            dataset=dict(type='Numbers', count=2 * per_epoch),
            sampler=dict(type='DefaultSampler', shuffle=True),
            batch_size=2,
            num_workers=0,
        ),
        optim_wrapper=optim_wrapper,
        train_cfg=dict(by_epoch=True, max_epochs=sum(s['epochs'] for s in stages)),
        default_hooks=dict(
            logger=None,
            checkpoint=None,
            param_scheduler=dict(type='StagedTrainingHook', stages=stages),
        ),
        log_level='ERROR',
    )
    config.update(changes)
    runner = Runner.from_cfg(Config(config))
    runner.register_hook(record)
    runner.train()
    return runner, record
