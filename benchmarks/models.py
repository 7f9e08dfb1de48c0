"""The models that are compared: this cascade, and MMPose's own by their configs."""

import copy
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import FUNCTIONS
from mmpose.registry import MODELS
from torch import nn

from phr_mmpose.engine.freezing import Freezing
from phr_mmpose.engine.stages import StageSchedule, config_stages
from phr_mmpose.models.complexity import build_without_memory, complexity
from phr_mmpose.models.heads.cascade_head import DETECTOR
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError

REPO = Path(__file__).resolve().parent.parent
CASCADE = str(REPO / 'configs' / 'phr_res152_mpii.py')
TINY = str(REPO / 'configs' / 'phr_tiny_lsp.py')
_MPII = 'mmpose::body_2d_keypoint/topdown_heatmap/mpii/'
#: MMPose's models by the names of their configs.
STOCK = {
    'td-hm_res50': f'{_MPII}td-hm_res50_8xb64-210e_mpii-256x256.py',
    'td-hm_res152': f'{_MPII}td-hm_res152_8xb32-210e_mpii-256x256.py',
    'td-hm_hourglass52': f'{_MPII}td-hm_hourglass52_8xb64-210e_mpii-256x256.py',
    'td-hm_hrnet-w32': f'{_MPII}td-hm_hrnet-w32_8xb64-210e_mpii-256x256.py',
}
FLOAT32, BFLOAT16 = 'fp32', 'bf16'
#: Only in ONNX files.
INT8 = 'int8'
PRECISIONS = (FLOAT32, BFLOAT16)
# By the usual count: the gradients by the inputs and by the weights cost as much
# as the forward pass each.
_TRAINED_PASSES = 3


@dataclass
class Subject:
    """A model and what its config says about using it.

    Args:
        config (Config): The config.
        model (nn.Module): The model, with random weights.
        precision (str): One of ``PRECISIONS``.
        device (str): ``'cpu'`` or ``'cuda'``.
    """

    config: Config
    model: nn.Module
    precision: str
    device: str

    def optimizer(self) -> OptimWrapper:
        """Build the config's optimizer, in the wanted precision."""
        settings = copy.deepcopy(self.config.optim_wrapper)
        if self.precision == BFLOAT16:
            # MMEngine's own for mixed precision refuses to run on a CPU.
            settings.type = 'BFloat16OptimWrapper'
        return build_optim_wrapper(self.model, settings)

    def autocast(self) -> torch.autocast:
        """A context of the wanted precision."""
        return torch.autocast(
            self.device, torch.bfloat16, enabled=self.precision == BFLOAT16
        )


def read_config(name: str) -> Config:
    """Read the config of a model.

    Args:
        name (str): One of ``STOCK``, or the path of a config.

    Raises:
        UserError: If there is no such config.
    """
    if name not in STOCK:
        return load_config(name)
    try:
        return get_config(STOCK[name])
    # It asserts, and looks for packages and files.
    except Exception as error:
        raise UserError(
            f'{name}: its config is not where MMPose keeps it '
            f'({type(error).__name__}: {error}); install the wheel of MMPose'
        ) from error


def build(name: str, precision: str, device: str) -> Subject:
    """Build a model with random weights on a device.

    Args:
        name (str): One of ``STOCK``, or the path of a config.
        precision (str): One of ``PRECISIONS``.
        device (str): ``'cpu'`` or ``'cuda'``.

    Returns:
        Subject: In training mode.

    Raises:
        UserError: If the config cannot be had.
    """
    config = read_config(name)
    if name in STOCK and precision == BFLOAT16:
        # numpy, with which it is computed, has no bfloat16.
        config.model.train_cfg = dict(compute_acc=False)
    torch.manual_seed(0)
    return Subject(config, MODELS.build(config.model).to(device), precision, device)


def set_stage(subject: Subject, stage: str | None) -> None:
    """Freeze what a stage of the cascade does not train.

    Args:
        subject (Subject): The model, with stages in its config.
        stage (str | None): The stage; None trains the model as it is built.

    Raises:
        UserError: If there is no such stage.
    """
    if stage is None:
        return
    schedule = StageSchedule(config_stages(subject.config))
    stages = {each.name: each for each in schedule.stages}
    if stage not in stages:
        raise UserError(f'no stage {stage!r}; there are {", ".join(stages)}')
    Freezing(subject.model).train_only(stages[stage].trains)


def training_pipeline(config: Config) -> list:
    """Return a config's training transforms."""
    return config.train_dataloader.dataset.pipeline


def collate(config: Config, samples: list[dict]) -> dict:
    """Make a batch of packed samples, as the config's training does."""
    name = config.train_dataloader.get('collate_fn', {}).get('type', 'pseudo_collate')
    return FUNCTIONS.get(name)(samples)


def forward_gmac(name: str) -> float:
    """Count a model's multiplications for one image.

    Args:
        name (str): One of ``STOCK``, or the path of a cascade's config.

    Returns:
        float: 10^9 multiplications with addition, of convolutions and matrix
        products.
    """
    config = read_config(name)
    costs = complexity(build_without_memory(config.model))
    return sum(cost.macs for cost in costs.values()) / 1e9


def training_gmac(name: str, stage: str | None = None) -> float:
    """Count the multiplications of a training step for one image.

    Three times the forward pass of what is trained, once that of a frozen
    detector, none of a refiner that is not trained.

    Args:
        name (str): One of ``STOCK``, or the path of a cascade's config.
        stage (str | None): A stage of the cascade. Defaults to None: all.

    Returns:
        float: 10^9 multiplications with addition.
    """
    if stage is None:
        return _TRAINED_PASSES * forward_gmac(name)
    config = read_config(name)
    schedule = StageSchedule(config_stages(config))
    stages = {each.name: each for each in schedule.stages}
    trained = stages[stage].trains
    total = 0
    for part, cost in complexity(build_without_memory(config.model)).items():
        if part in trained:
            total += _TRAINED_PASSES * cost.macs
        elif part == DETECTOR:
            total += cost.macs
    return total / 1e9
