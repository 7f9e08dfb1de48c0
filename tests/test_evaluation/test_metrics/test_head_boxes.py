"""Persons without a head box, from the annotation list to PCKh."""

import json
import logging
import uuid

import cv2
import numpy as np
import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.structures import InstanceData

from phr_mmpose.datasets.joints import MPII_METAINFO
from phr_mmpose.utils.errors import UserError


class Truth(BaseModel):
    """Predicts the annotation, but for a person who is far off."""

    def __init__(self, wrong=()):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.wrong = wrong

    def forward(self, inputs, data_samples=None, mode='tensor'):
        for sample in data_samples:
            shift = 1000 * (sample.img_id in self.wrong)
            sample.pred_instances = InstanceData(
                keypoints=sample.gt_instances.keypoints + shift
            )
        return data_samples


@pytest.fixture
def make(tmp_path):
    """Make a runner on a list of persons with and without a head box."""

    def runner(head_boxes, wrong=(), wrapped=False, evaluator=None):
        entries = []
        for index, known in enumerate(head_boxes):
            image = f'photo{index}.png'
            cv2.imwrite(str(tmp_path / image), np.zeros((60, 60, 3), np.uint8))
            entries.append(
                dict(
                    image=image,
                    center=[30, 30],
                    scale=0.3,
                    joints=[[10 + 2 * k, 20 + k] for k in range(16)],
                    joints_vis=[1] * 16,
                    joints_visible=[1] * 16,
                    **(dict(head_box=[10, 10, 40, 50]) if known else {}),
                )
            )
        (tmp_path / 'list.json').write_text(json.dumps(entries))
        pipeline = [
            dict(type='CheckedLoadImage'),
            dict(type='GetBBoxCenterScale', padding=1.25),
            dict(type='TopdownAffine', input_size=(32, 32)),
            dict(type='PackCascadeInputs'),
        ]
        dataset = dict(
            type='MpiiPartDataset',
            data_root=str(tmp_path),
            ann_file='list.json',
            test_mode=True,
            pipeline=pipeline,
        )
        if wrapped:
            dataset = dict(
                type='CombinedDataset',
                metainfo=MPII_METAINFO,
                datasets=[dict(dataset, pipeline=[])],
                pipeline=pipeline,
                test_mode=True,
            )
        return Runner(
            Truth(wrong),
            str(tmp_path / 'work'),
            val_dataloader=dict(
                dataset=dataset,
                batch_size=2,
                sampler=dict(type='DefaultSampler', shuffle=False),
            ),
            val_cfg=dict(),
            val_evaluator=evaluator or dict(type='MpiiPCKhAccuracy'),
            default_scope='mmpose',
            experiment_name=uuid.uuid4().hex,
        )

    return runner


@pytest.fixture
def logged(caplog):
    """What MMEngine's current logger says."""

    def messages(runner):
        runner.logger.addHandler(caplog.handler)
        caplog.set_level(logging.INFO)
        return caplog

    return messages


def test_a_list_without_any_is_refused_when_the_loop_is_built(make):
    with pytest.raises(UserError, match=r'no person .* head box.*"head_box"') as error:
        make([False, False]).val_loop  # noqa: B018
    assert '\n' not in str(error.value)


def test_the_same_list_is_good_for_another_metric(make):
    runner = make([False], evaluator=dict(type='LspPCKAccuracy'))
    assert runner.val_loop.run()['lsp/Total'] == 100


def test_persons_without_one_are_counted_and_left_out(make, logged):
    runner = make([True, False, True], wrong=(1,))
    messages = logged(runner)
    runner.val_loop  # noqa: B018
    warned = [r.message for r in messages.records if r.levelname == 'WARNING']
    assert [line for line in warned if 'head box' in line] == [
        'only 2 persons of the data have a head box; PCKh leaves the others out'
    ]
    messages.clear()
    assert runner.val_loop.run()['mpii/Total'] == 100
    assert '2 persons, 1 without a reference length left out' in messages.text
    assert not [r for r in messages.records if r.levelname == 'WARNING']


def test_a_whole_list_says_nothing(make, logged):
    runner = make([True, True], wrong=(1,))
    messages = logged(runner)
    assert runner.val_loop.run()['mpii/Total'] == 50
    assert 'head box' not in messages.text and 'left out' not in messages.text


def test_a_wrapped_data_set_is_looked_at_in_the_evaluation(make):
    runner = make([True, False], wrong=(1,), wrapped=True)
    assert runner.val_loop.run()['mpii/Total'] == 100
    with pytest.raises(UserError, match=r'no person .* head size.*"head_box"'):
        make([False], wrapped=True).val_loop.run()
