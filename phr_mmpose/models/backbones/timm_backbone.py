"""Any of timm's networks as a backbone."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor

from phr_mmpose.utils.checkpoint import get_state_dict, load_checkpoint
from phr_mmpose.utils.errors import UserError, first_line


@MODELS.register_module()
class TIMMBackbone(BaseModule):
    """Feature maps of one of timm's networks.

    Named as in MMPretrain and MMSegmentation. Letters: B samples, C ``in_channels``,
    H x W the input's pixels, c and s the channels and the stride of a feature map.

    Args:
        model_name (str): timm's name for the network, one of those that timm builds
            with ``features_only=True``.
        out_indices (Sequence[int], optional): The levels to put out, 0 the finest.
            Defaults to all that the network has.
        pretrained (bool): Start from timm's own weights, which ``init_weights``, as
            a training calls it, loads from its hub. Defaults to False.
        checkpoint_path (str): Start in the same way from a file with weights in
            timm's names. Defaults to none.
        in_channels (int): Channels C of the input. Defaults to 3.
        frozen_modules (Sequence[str]): timm's names for the sub-modules that stand
            still, batch statistics included (``timm.utils.freeze``), such as
            ``('conv_stem', 'bn1', 'blocks.0')``. Defaults to none.
        init_cfg (dict, optional): Initialisation config. Defaults to timm's own
            random weights.
        **kwargs: For ``timm.create_model``.

    Raises:
        UserError: If timm does not know a name, or the network has no such levels or
            arguments.
    """

    def __init__(
        self,
        model_name: str,
        out_indices: Sequence[int] | None = None,
        pretrained: bool = False,
        checkpoint_path: str = '',
        in_channels: int = 3,
        frozen_modules: Sequence[str] = (),
        init_cfg: dict | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        # It takes a second to import.
        import timm
        from timm.utils import freeze

        if not timm.is_model(model_name):
            similar = ', '.join(timm.list_models(f'*{model_name}*')[:4])
            hint = f'; it has {similar}' if similar else ''
            raise UserError(f'timm has no network {model_name!r}{hint}')
        if out_indices is not None:
            kwargs['out_indices'] = tuple(out_indices)
        self.pretrained, self.checkpoint_path = pretrained, checkpoint_path
        self._create = partial(
            timm.create_model,
            model_name,
            features_only=True,
            in_chans=in_channels,
            **kwargs,
        )
        try:
            model = self._create()
        # Each network refuses in its own way what it does not have.
        except (AssertionError, IndexError, RuntimeError, TypeError) as error:
            raise UserError(
                f'timm cannot build {model_name!r} with out_indices {out_indices} and '
                f'these arguments: {first_line(error)}'
            ) from error
        if frozen_modules:
            names = dict(model.named_modules())
            for name in frozen_modules:
                if name not in names:
                    known = ', '.join(each for each, _ in model.named_children())
                    raise UserError(
                        f'{model_name} has no sub-module {name!r} to freeze; it has '
                        f'{known}'
                    )
            freeze(model, list(frozen_modules))
        self.timm_model = model
        #: tuple[int]: Channels c and strides s of the levels that are put out.
        self.channels = tuple(model.feature_info.channels())
        self.strides = tuple(model.feature_info.reduction())

    def init_weights(self) -> None:
        """Load timm's own weights or those of the file, else follow ``init_cfg``.

        Raises:
            UserError: If they cannot be had or belong to another network.
        """
        first = not self.is_init
        super().init_weights()
        if first and (self.pretrained or self.checkpoint_path):
            self.timm_model.load_state_dict(self._pretrained_weights())

    def _pretrained_weights(self) -> dict[str, Tensor]:
        options = {}
        if self.checkpoint_path:
            # timm's own checkpoint_path takes no file that has a classifier as well.
            checkpoint = load_checkpoint(self.checkpoint_path)
            weights = get_state_dict(checkpoint, self.checkpoint_path)
            options['pretrained_cfg_overlay'] = dict(state_dict=weights)
        try:
            # timm fits weights to the levels only while it builds a network.
            return self._create(pretrained=True, **options).state_dict()
        except Exception as error:  # a hub raises anything
            source = self.checkpoint_path or "timm's hub"
            raise UserError(
                f'the weights of {self._create.args[0]!r} cannot be had from {source} '
                f'({first_line(error)}); go on from random weights with --random-init'
            ) from error

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Extract feature maps.

        Args:
            inputs (Tensor): Images (B, C, H, W).

        Returns:
            tuple[Tensor]: Of each level (B, c, H / s, W / s), finest first.
        """
        levels = self.timm_model(inputs)
        # EfficientNet's and MobileNetV3's have no such field.
        if getattr(self.timm_model, 'output_fmt', 'NCHW') == 'NHWC':
            levels = [level.permute(0, 3, 1, 2) for level in levels]
        return tuple(levels)
