"""What configs of earlier versions name, and what to write instead."""

from collections.abc import Mapping

from mmengine.registry import Registry
from mmpose.registry import DATASETS, LOOPS, MODELS, OPTIMIZERS, TRANSFORMS

from phr_mmpose.utils.errors import UserError

# Registry, old name, what to write.
RENAMED = (
    (
        LOOPS,
        'StagedTrainLoop',
        'use train_cfg = dict(by_epoch=True, max_epochs=N, val_interval=...), N being '
        'the epochs of all stages',
    ),
    (OPTIMIZERS, 'FusedRMSprop', "use dict(type='RMSprop', ...)"),
    (OPTIMIZERS, 'FusedAdamW', "use dict(type='AdamW', ..., fused=True)"),
    (
        DATASETS,
        'JoinedDataset',
        "use MMPose's dict(type='CombinedDataset', metainfo=..., datasets=[...], "
        'pipeline=train_pipeline), with pipeline=[] in each of the data sets',
    ),
    (
        TRANSFORMS,
        'SeedAugmentation',
        'leave it out: the random transforms draw from a generator of their own',
    ),
    (
        MODELS,
        'ReleasedPoseEstimator',
        'use a config of projects/released_weights',
    ),
)


def refuse_renamed(given: Mapping, **new_names: str) -> None:
    """Refuse options by their former names.

    Args:
        given (Mapping): What is given.
        **new_names (str): Former names, and what they are called now.

    Raises:
        UserError: If an option is given by its former name.
    """
    for name, new_name in new_names.items():
        if name in given:
            raise UserError(f'config: {name} is called {new_name} since version 0.3')


def refuse_gone(given: Mapping, **instead: str) -> None:
    """Refuse options that are gone.

    Args:
        given (Mapping): What is given.
        **instead (str): Options that are gone, and what to do instead.

    Raises:
        UserError: If one of them is given.
    """
    for name, advice in instead.items():
        if name in given:
            raise UserError(f'config: {name} is gone since version 0.3: {advice}')


def _refuse(registry: Registry, name: str, instead: str) -> None:
    """Register a name whose building ends in one line."""

    def build(*args, **kwargs):
        raise UserError(f'config: {name} is gone: {instead}')

    # Some stack code asks a registered thing for its name or for being a class.
    kind = type(name, (), {'__init__': build, '__doc__': f'Gone: {instead}.'})
    registry.register_module(name=name, module=kind)


for _row in RENAMED:
    _refuse(*_row)
