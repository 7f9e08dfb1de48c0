"""Load a pose model for inference, with weights that are seen to fit it."""

import copy
import warnings
from pathlib import Path

from mmengine.config import Config
from mmpose.apis import init_model
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import DATASETS

from phr_mmpose.apis.loading import choose_device, meta_of
from phr_mmpose.deploy import OnnxPoseEstimator
from phr_mmpose.deploy.onnx_weights import check_same_joints, is_onnx, onnx_config
from phr_mmpose.models.fusing import fuse_conv_bn
from phr_mmpose.utils.checkpoint import (
    check_matches,
    get_state_dict,
    load_checkpoint,
)
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError, first_line
from phr_mmpose.utils.joints_meta import checked_joints
from phr_mmpose.zoo import model_files


def load_pose_model(
    config: str | Path | Config,
    weights: str | Path | None = None,
    device: str | None = None,
) -> TopdownPoseEstimator:
    """Build the model of a config and load its weights.

    As MMPose's ``init_model``, which however goes on with random weights where
    a checkpoint does not fit, and with COCO's joints where neither checkpoint
    nor training data say which they are. Batch normalisation is fused into the
    convolutions, so that the model predicts faster and is no longer to be trained.

    Args:
        config (str | Path | Config): The config, a ``.py`` file or what was read from
            it; or, without weights, the name of a model that comes with the package,
            see :func:`phr_mmpose.zoo.list_models`.
        weights (str | Path, optional): The checkpoint, a path or an address; or the
            path of an ``.onnx`` file, to which the config's cascade was exported.
        device (str, optional): See :func:`choose_device`. An ONNX file is
            computed on the CPU.

    Returns:
        TopdownPoseEstimator: In evaluation mode, with ``cfg`` and
        ``dataset_meta``.

    Raises:
        UserError: If config, weights or device are faulty or do not fit.
    """
    if weights is None:
        config, weights = model_files(str(config))
    if isinstance(config, Config):
        settings, config = copy.deepcopy(config), config.filename or 'config'
    else:
        settings = load_config(config)
    _check_config(settings, config)
    if is_onnx(weights):
        return _load_onnx(settings, config, weights, device)
    target = choose_device(device)
    checkpoint = load_checkpoint(weights)
    state_dict = get_state_dict(checkpoint, weights)
    model = _build(settings, config)
    check_matches(model, state_dict, weights)
    model.load_state_dict(state_dict, strict=False)
    meta = meta_of(checkpoint) or _meta_of_config(settings, config)
    model.dataset_meta = checked_joints(meta, weights)
    _check_joints(model, config, weights)
    return fuse_conv_bn(model).to(target)


def _load_onnx(
    settings: Config, config: str | Path, file: str | Path, device: str | None
) -> OnnxPoseEstimator:
    """As :func:`load_pose_model`, with the file that a cascade was exported to."""
    if choose_device(device or 'cpu').type != 'cpu':
        raise UserError(
            f'{file}: an ONNX file is computed on the CPU; leave the device out'
        )
    settings.model = onnx_config(settings.model, file)
    model = _build(settings, config)
    model.dataset_meta = _meta_of_config(settings, config)
    _check_joints(model, config, file)
    check_same_joints(model, model.dataset_meta, config)
    return model


def _build(settings: Config, config: str | Path) -> TopdownPoseEstimator:
    """Build the model of a config, with random weights, on the CPU."""
    try:
        # Its one warning is about joints that it cannot tell; they follow below.
        with warnings.catch_warnings(record=True):
            model = init_model(settings, None, device='cpu')
    except UserError as error:
        raise UserError(f'{config}: {error}') from None
    # The stack raises anything for a config that it cannot build.
    except Exception as error:
        raise UserError(
            f'{config}: its model cannot be built: {first_line(error)}'
        ) from error
    if not isinstance(model, TopdownPoseEstimator):
        raise UserError(
            f'{config}: {type(model).__name__} is no top-down pose estimator; '
            'give the config of one'
        )
    return model


def joint_links(model: TopdownPoseEstimator) -> list[tuple[int, int]]:
    """List the limbs of a model's skeleton.

    Args:
        model (TopdownPoseEstimator): With ``dataset_meta``.

    Returns:
        list[tuple[int, int]]: Pairs of joint indices.
    """
    return [(int(a), int(b)) for a, b in model.dataset_meta['skeleton_links']]


def _check_config(settings: Config, config: str | Path) -> None:
    """Refuse a config without what inference reads."""
    for key in ('model.backbone', 'test_dataloader.dataset.pipeline'):
        node = settings
        for part in key.split('.'):
            node = node.get(part) if hasattr(node, 'get') else None
        if not node:
            raise UserError(f'{config}: has no {key}; give the config of a pose model')


def _meta_of_config(settings: Config, config: str | Path) -> dict:
    """Ask the test data set which joints it has, without reading its files."""
    dataset = dict(settings.test_dataloader.dataset, lazy_init=True)
    try:
        return dict(DATASETS.build(dataset).metainfo)
    except Exception as error:
        raise UserError(
            f'{config}: its test_dataloader.dataset cannot be built, and the '
            f'checkpoint does not name the joints: {first_line(error)}'
        ) from error


def _check_joints(
    model: TopdownPoseEstimator, config: str | Path, weights: str | Path
) -> None:
    """Refuse joint names that are not those of the model's outputs."""
    if (model.test_cfg or {}).get('output_keypoint_indices'):
        raise UserError(
            f'{config}: model.test_cfg.output_keypoint_indices picks some of the '
            'joints that are named; take it out'
        )
    named = len(model.dataset_meta['keypoint_id2name'])
    put_out = getattr(model.head, 'out_channels', named)
    # UDP's regression has a heatmap and two offsets for each joint.
    if put_out not in (named, 3 * named):
        raise UserError(
            f'{config}: the model puts out {put_out} joints, but {named} are named by '
            f'{weights} or by test_dataloader.dataset; set its joints or metainfo'
        )
