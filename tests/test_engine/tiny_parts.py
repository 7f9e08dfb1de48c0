"""What the engine's tests train on and are killed by; imported by their config."""

import os
import signal

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import DATASETS, HOOKS

import phr_mmpose.engine
import phr_mmpose.evaluation  # noqa: F401
from phr_mmpose.datasets.joints import MPII_METAINFO


@DATASETS.register_module()
class NoiseDataset(BaseDataset):
    """Pictures of noise with random joints, each the same every time."""

    METAINFO = MPII_METAINFO

    def __init__(self, count=12, without_shoulder=0, **kwargs):
        self.count = count
        self.without_shoulder = without_shoulder
        super().__init__(serialize_data=False, **kwargs)

    @classmethod
    def _load_metainfo(cls, metainfo=None):
        return parse_pose_metainfo(metainfo or cls.METAINFO)

    def load_data_list(self):
        return [self._item(index) for index in range(self.count)]

    def get_data_info(self, idx):
        info = super().get_data_info(idx)
        for key in ('flip_pairs', 'flip_indices', 'dataset_keypoint_weights'):
            info[key] = self._metainfo[key]
        for key in ('upper_body_ids', 'lower_body_ids'):
            info[key] = self._metainfo[key]
        return info

    def _item(self, index):
        random = np.random.default_rng(index)
        known = np.ones((1, 16, 2), np.float32)
        if index < self.without_shoulder:
            known[0, 13] = 0
        return dict(
            id=index,
            img_id=index,
            img=random.integers(0, 256, (40, 40, 3), dtype=np.uint8),
            ori_shape=(40, 40),
            img_shape=(40, 40),
            bbox=np.float32([[0, 0, 40, 40]]),
            bbox_score=np.ones(1, np.float32),
            head_size=np.float32([10]),
            keypoints=random.uniform(0, 40, (1, 16, 2)).astype(np.float32),
            keypoints_visible=known,
        )


@HOOKS.register_module()
class SaveRankHook(Hook):
    """Save each process's own weights and statistics as a stage begins."""

    def before_train_epoch(self, runner):
        path = f'{runner.work_dir}/rank_{get_rank()}_epoch_{runner.epoch}.pth'
        torch.save(runner.model.module.state_dict(), path)


@HOOKS.register_module()
class KillHook(Hook):
    """Kill the process, without a chance to clean up, after some iteration."""

    def __init__(self, after_iteration):
        self.after_iteration = after_iteration

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.after_iteration:
            os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module()
class KillAfterStageHook(Hook):
    """Kill the process right after a stage's last epoch has been saved."""

    priority = 'LOWEST'

    def __init__(self, epoch):
        self.epoch = epoch

    def after_train_epoch(self, runner):
        if runner.epoch + 1 == self.epoch:
            os.kill(os.getpid(), signal.SIGKILL)
