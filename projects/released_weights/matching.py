"""A Torch7 network's weights under the names of this project's cascade.

Layers are found by what they compute, not by where they stand: both networks get the
same made-up weights for layers of the same shape, and see the same noise. A layer of
one is that of the other where both take the same values and make the same of them.
"""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

# Values of a tensor that are looked at, and how far apart they may be, as a share of
# the largest: sums in another order differ less, other layers by much more.
_SAMPLES, _TOLERANCE = 256, 1e-3
_WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d)


@dataclass
class Match:
    """What of a cascade was found in a network.

    Args:
        weights (dict[str, Tensor]): By the cascade's names.
        found (int): Layers with weights that were found.
        layers (int): Layers with weights that the cascade has.
        missing (str): The first that was not found.
    """

    weights: dict[str, Tensor]
    found: int
    layers: int
    missing: str = ''

    @property
    def is_whole(self) -> bool:
        """bool: Whether nothing is missing."""
        return not self.missing


@dataclass
class _Layer:
    """A layer that has run: its name, and some of what it took and made."""

    name: str
    module: nn.Module
    taken: Tensor
    made: Tensor


def match_cascade(network: nn.Module, cascade: nn.Module, images: Tensor) -> Match:
    """Find the layers of a cascade in a network.

    Args:
        network (nn.Module): Called with images.
        cascade (nn.Module): An MMPose model, called with ``mode='tensor'``.
        images (Tensor): Noise (1, C, H, W) that both are run on.

    Returns:
        Match: What was found. Biases that the network has before a normalisation, and
        the cascade has not, go into the normalisation's mean.
    """
    theirs = _run(network, images)
    own = _run(cascade, images, None, 'tensor')
    match = Match({}, 0, len(own))
    biases: list[tuple[Tensor, Tensor]] = []
    state = dict(network.state_dict())
    for layer in own:
        other = next((each for each in theirs if _same(layer, each)), None)
        weights = other and _weights(layer, other, state, own, biases)
        if weights:
            theirs.remove(other)
            match.found += 1
            match.weights.update(weights)
        else:
            match.missing = match.missing or layer.name
    return match


def _run(model: nn.Module, *inputs: Tensor | str | None) -> list[_Layer]:
    """Run a model with made-up weights; list its layers with weights as they ran."""
    model = copy.deepcopy(model).eval()
    layers: list[_Layer] = []
    for name, module in model.named_modules():
        if isinstance(module, _WEIGHTED):
            _make_up(module)

            def note(module, inputs, output, name=name):
                layers.append(_Layer(name, module, _sample(inputs[0]), _sample(output)))

            module.register_forward_hook(note)
    with torch.no_grad():
        model(*inputs)
    return layers


def _make_up(module: nn.Module) -> None:
    """Give a layer weights that only its shape decides."""
    with torch.no_grad():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            # Below 1, so that values grow little over a hundred residual blocks.
            if module.affine:
                module.weight.fill_(0.5)
        else:
            generator = torch.Generator().manual_seed(0)
            spread = (2 / module.weight[0].numel()) ** 0.5
            # Drawn apart, since a weight in another layout is filled in another order.
            drawn = torch.randn(module.weight.shape, generator=generator)
            module.weight.copy_(spread * drawn)
        if module.bias is not None:
            module.bias.zero_()


def _sample(values: Tensor) -> Tensor:
    places = torch.linspace(0, values.numel() - 1, _SAMPLES).long()
    # Copied out of the layout that the model keeps it in.
    return values.contiguous().flatten()[places]


def _settings(module: nn.Module) -> tuple:
    if isinstance(module, nn.BatchNorm2d):
        return module.num_features, round(module.eps, 12)
    names = ('stride', 'padding', 'dilation', 'groups', 'output_padding')
    return (*module.weight.shape, *(tuple(_pair(getattr(module, n))) for n in names))


def _pair(value: int | tuple) -> tuple:
    return (value, value) if isinstance(value, int) else tuple(value)


def _same(layer: _Layer, other: _Layer) -> bool:
    kinds = [
        next(kind for kind in _WEIGHTED if isinstance(each.module, kind))
        for each in (layer, other)
    ]
    return (
        kinds[0] is kinds[1]
        and _settings(layer.module) == _settings(other.module)
        and _close(layer.taken, other.taken)
        and _close(layer.made, other.made)
    )


def _close(first: Tensor, second: Tensor) -> bool:
    scale = float(first.abs().max())
    return bool(torch.allclose(first, second, rtol=0, atol=_TOLERANCE * scale))


def _weights(
    layer: _Layer,
    other: _Layer,
    state: dict[str, Tensor],
    own: list[_Layer],
    biases: list[tuple[Tensor, Tensor]],
) -> dict[str, Tensor] | None:
    """Take a layer's weights; None where they do not fit the cascade's layer.

    Args:
        layer (_Layer): The cascade's layer.
        other (_Layer): The network's.
        state (dict[str, Tensor]): The network's weights.
        own (list[_Layer]): All layers of the cascade.
        biases (list[tuple[Tensor, Tensor]]): Values that a layer made and the bias
            that it lacks; a normalisation that takes them takes the bias off its mean.
    """
    weights = {}
    for role, wanted in layer.module.state_dict().items():
        value = state.get(f'{other.name}.{role}' if other.name else role)
        if value is None:
            # A normalisation without weights of its own, a layer without bias.
            value = torch.full(wanted.shape, 1.0 if role == 'weight' else 0.0)
        if role == 'running_mean':
            for made, bias in biases:
                if torch.equal(made, layer.taken):
                    value = value - bias
        weights[f'{layer.name}.{role}'] = value.clone()
    bias = state.get(f'{other.name}.bias' if other.name else 'bias')
    if layer.module.bias is None and bias is not None and bias.any():
        users = [each for each in own if torch.equal(each.taken, layer.made)]
        if not all(isinstance(each.module, nn.BatchNorm2d) for each in users):
            return None
        biases.append((layer.made, bias))
    return weights
