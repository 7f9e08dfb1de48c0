import torch
from mmengine.registry import FUNCTIONS

from phr_mmpose.datasets import stack_inputs


def test_pictures_become_one_tensor_and_samples_stay_apart():
    pictures = [torch.full((3, 2, 4), number, dtype=torch.uint8) for number in (1, 2)]
    samples = ['first', 'second']
    batch = stack_inputs(
        [
            dict(inputs=picture, data_samples=sample)
            for picture, sample in zip(pictures, samples, strict=True)
        ]
    )
    assert batch['inputs'].shape == (2, 3, 2, 4)
    assert batch['inputs'].dtype == torch.uint8
    assert batch['inputs'][:, 0, 0, 0].tolist() == [1, 2]
    assert batch['data_samples'] == samples


def test_configs_find_it_by_name():
    assert FUNCTIONS.get('stack_inputs') is stack_inputs
