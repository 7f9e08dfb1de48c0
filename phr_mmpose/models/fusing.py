"""Batch normalisation fused into convolutions, for networks that only predict."""

import copy
import warnings
from collections import Counter

from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils import parametrize
from torch.nn.utils.fusion import fuse_conv_bn_eval

_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, *_TRANSPOSED)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)

# timm's own: they pad as TensorFlow does, freeze, or add an activation.
_TIMM_CONVOLUTIONS = ('Conv2dSame',)
_TIMM_NORMS = (
    'BatchNormAct2d',
    'FrozenBatchNorm2d',
    'FrozenBatchNormAct2d',
)


def fuse_conv_bn(module: nn.Module) -> nn.Module:
    """Copy a module for inference, with batch normalisation fused away.

    With its running statistics a batch normalisation is one multiplication and
    one addition per channel; where nothing else reads the convolution before
    it, both go into that convolution's weights. Others stay, as the first of a
    pre-activation block (it follows a sum).

    Which follows which is read from the forward passes by ``torch.fx``. A
    module that it cannot follow (one that looks at its input's size, as most
    heads) is left as it is and its children are looked at in turn, each by its
    own forward pass. Not to be fused: a module that fx cannot follow and that
    reaches past its child's forward pass, for what lies between a convolution
    and its norm there.

    Args:
        module (nn.Module): The module; it is not changed.

    Returns:
        nn.Module: Of the same class, in evaluation mode, its parameters without
        gradients. It gives the same values up to rounding, and has fewer
        entries in its ``state_dict``: keep the original for training and
        checkpoints.
    """
    fused = copy.deepcopy(module).requires_grad_(False)
    fused.eval()  # Gives None where a backbone overrides train().
    for child in fused.modules():
        # Saving memory by computing twice is for training; deciding on it at
        # run time is what fx cannot follow.
        if getattr(child, 'with_cp', False):
            child.with_cp = False
    # Shared modules have a path per place: another may follow at the other one.
    places = Counter(id(m) for _, m in fused.named_modules(remove_duplicate=False))
    for conv_path, norm_path in _followers(fused):
        conv, norm = fused.get_submodule(conv_path), fused.get_submodule(norm_path)
        if places[id(conv)] == places[id(norm)] == 1 and _fusible(conv, norm):
            layer = fuse_conv_bn_eval(conv, norm, isinstance(conv, _TRANSPOSED))
            _put(fused, conv_path, layer.requires_grad_(False))
            # timm's normalisations hold the activation that follows.
            _put(fused, norm_path, getattr(norm, 'act', nn.Identity()))
    return fused


def _put(module: nn.Module, path: str, child: nn.Module) -> None:
    parent, _, name = path.rpartition('.')
    setattr(module.get_submodule(parent), name, child)


class _Tracer(fx.Tracer):
    """Takes subclasses of torch's layers for layers, wherever they are defined."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        layer = isinstance(m, (_ConvNd, _BatchNorm)) or _is_of_timm(m, _TIMM_NORMS)
        return layer or super().is_leaf_module(m, module_qualified_name)


def _followers(module: nn.Module, prefix: str = '') -> list[tuple[str, str]]:
    """Paths of layers (convolution, norm) of which the second alone reads the first."""
    try:
        with warnings.catch_warnings():
            # torch 2.1 warns of names of its own, when it looks all of them up.
            warnings.filterwarnings('ignore', "'has_", UserWarning)
            graph = _Tracer().trace(module)
    # Tracing runs the module's own code on stand-ins for tensors: it may raise
    # anything, and each such failure means the same.
    except Exception:
        return [
            pair
            for name, child in module.named_children()
            for pair in _followers(child, f'{prefix}{name}.')
        ]
    calls = Counter(node.target for node in graph.nodes if node.op == 'call_module')
    # Layers whose weights are read past their forward pass.
    opened = {n.target.rpartition('.')[0] for n in graph.nodes if n.op == 'get_attr'}
    return [
        (f'{prefix}{first.target}', f'{prefix}{node.target}')
        for node in graph.nodes
        if node.op == 'call_module' and node.args
        if isinstance(first := node.args[0], fx.Node)
        if first.op == 'call_module' and len(first.users) == 1
        if calls[first.target] == calls[node.target] == 1
        if not opened & {first.target, node.target}
    ]


def _is_of_timm(layer: nn.Module, names: tuple[str, ...]) -> bool:
    kind = type(layer)
    return kind.__module__.startswith('timm.layers') and kind.__name__ in names


def _fusible(conv: nn.Module, norm: nn.Module) -> bool:
    """Whether two layers are a convolution and its norm, as torch computes them."""
    plain = _is_of_timm(conv, _TIMM_CONVOLUTIONS) or any(
        isinstance(conv, kind) and type(conv).forward is kind.forward
        for kind in _CONVOLUTIONS
    )
    known = type(norm) in _NORMS or _is_of_timm(norm, _TIMM_NORMS)
    if not (plain and known) or norm.running_mean is None:
        return False
    if isinstance(conv, _TRANSPOSED) and conv.groups > 1:
        return False
    # Hooks and parametrisations may change weights or see what lies between.
    return not any(
        layer._forward_hooks
        or layer._forward_pre_hooks
        or parametrize.is_parametrized(layer)
        for layer in (conv, norm)
    )
