"""A converted network's weights under the names of this project's cascade.

Layers are found by what they compute, not by where they stand: both networks are
recorded step by step, and a layer of one is that of the other if all that leads to
it is the same.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.func import functional_call

from phr_mmpose.models.pose_estimators import CascadePoseEstimator
from phr_mmpose.models.torch7.graph import Torch7Graph
from phr_mmpose.models.torch7.tracing import Trace, keys, tensors_of, trace_call

_PARTS = ('detector', 'regressor', 'whole cascade')


@dataclass
class CascadeMatch:
    """What of a cascade a converted network is.

    Args:
        weights (dict[str, Tensor]): By the cascade's names, of what matched.
        parts (list[str]): Of ``'detector'``, ``'regressor'`` and
            ``'whole cascade'``, what matched.
        takes_images (bool): Whether it runs on images of the cascade's size.
        report (list[str]): Lines for a person.
    """

    weights: dict[str, Tensor] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    takes_images: bool = False
    report: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """bool: Whether all of the cascade was found, connected as there."""
        return _PARTS[2] in self.parts


def match_cascade(graph: Torch7Graph, cascade: CascadePoseEstimator) -> CascadeMatch:
    """Find the parts of a cascade in a converted network.

    Args:
        graph (Torch7Graph): The network.
        cascade (CascadePoseEstimator): On the device ``meta``, with a refiner.

    Returns:
        CascadeMatch: What was found.
    """
    width, height = cascade.head.decoder.input_size
    stacked = cascade.head.refiner.in_channels
    image, stack = (1, 3, height, width), (1, stacked, height, width)
    source = _trace_graph(graph, image, stack)
    match = CascadeMatch()
    if source is None:
        match.report.append(
            f'it runs neither on images of {_shown(image)} nor on {_shown(stack)}'
        )
        return match
    match.takes_images = source.shape == image
    match.report.append(
        f'from {_shown(source.shape)} it makes '
        + ' and '.join(_shown(tensor.shape) for tensor in source.results)
    )

    cascade.eval()
    whole, (logits, confidence) = trace_call(
        lambda images: cascade.head(cascade.extract_feat(images)), image
    )
    refiner, maps = trace_call(cascade.head.refiner, stack)
    given = [
        place for place, step in enumerate(source.trace.steps) if step.inputs == ()
    ]
    given += [
        place for place, step in enumerate(source.trace.steps) if step.name == 'cat'
    ]
    for part, trace, last, starts in (
        ('whole cascade', whole, confidence, given[:1]),
        ('detector', whole, logits, given[:1]),
        ('regressor', refiner, maps, given),
    ):
        found = _find(trace, trace.place(last), source.trace, starts, part, match)
        if found is None:
            continue
        weights = _transfer(trace, found, source, _names(cascade))
        if isinstance(weights, str):
            match.report.append(f'{part}: {weights}')
            continue
        match.weights.update(weights)
        match.parts.append(part)
        if part == 'whole cascade':
            break
    return match


@dataclass
class _Source:
    """A network's steps, and where its weights are.

    Args:
        shape (tuple[int, ...]): What it was recorded on.
        results (list[Tensor]): What it put out, without values.
        trace (Trace): The steps.
        weights (dict[int, str]): Names by the identity of the trace's weights.
        values (dict[str, Tensor]): The weights by name.
    """

    shape: tuple[int, ...]
    results: list[Tensor]
    trace: Trace
    weights: dict[int, str]
    values: dict[str, Tensor]


def _trace_graph(graph: Torch7Graph, *shapes: tuple[int, ...]) -> _Source | None:
    """Record a network on the first of these shapes that it runs on."""
    values = dict(graph.state_dict())
    meta = {name: value.to('meta') for name, value in values.items()}
    for shape in shapes:
        try:
            trace, result = trace_call(
                lambda images: functional_call(graph, meta, (images,)), shape
            )
        # A network that takes something else raises whatever its layers raise.
        except Exception:
            continue
        names = {id(each): name for name, each in meta.items()}
        return _Source(shape, tensors_of(result), trace, names, values)
    return None


def _find(
    trace: Trace,
    last: int,
    source: Trace,
    starts: list[int],
    part: str,
    match: CascadeMatch,
) -> dict[int, int] | None:
    """Find the steps up to ``last`` in a network, begun at one of its steps.

    Returns:
        dict[int, int] | None: The network's step for each of the part's.
    """
    needed = _leading_to(trace, last)
    layers = [place for place in needed if trace.steps[place].weights]
    best, first_missing = -1, ''
    for start in starts:
        names: dict[tuple, int] = {}
        own = keys(trace, names, {0: 'start'})
        places: dict[int, list[int]] = {}
        for place, name in enumerate(keys(source, names, {start: 'start'})):
            places.setdefault(name, []).append(place)
        if own[last] in places:
            if any(len(places[own[place]]) > 1 for place in layers):
                match.report.append(f'{part}: its layers cannot be told apart')
                return None
            size = sum(
                weight.numel()
                for place in layers
                for role, weight in trace.steps[place].weights.items()
                if weight is not None and not role.startswith('running')
            )
            match.report.append(
                f'{part}: all {len(layers)} layers match ({size / 1e6:.2f} M weights)'
            )
            return {place: places[own[place]][0] for place in needed if place}
        missing = [place for place in needed if own[place] not in places]
        found = len(layers) - sum(place in missing for place in layers)
        if found > best:
            best, first_missing = found, str(trace.steps[missing[0]])
    match.report.append(
        f'{part}: {max(best, 0)} of {len(layers)} layers match; the first step that '
        f'is not in the file: {first_missing}'
    )
    return None


def _leading_to(trace: Trace, last: int) -> list[int]:
    needed, waiting = set(), [last]
    while waiting:
        place = waiting.pop()
        if place not in needed:
            needed.add(place)
            waiting += trace.steps[place].inputs
    return sorted(needed)


def _transfer(
    trace: Trace, found: dict[int, int], source: _Source, names: dict[int, str]
) -> dict[str, Tensor] | str:
    """Take the weights of the steps that were found; or say why it cannot be."""
    weights: dict[str, Tensor] = {}
    shifts: dict[int, Tensor] = {}
    for place, other in found.items():
        step, origin = trace.steps[place], source.trace.steps[other]
        for role, wanted in step.weights.items():
            given = origin.weights.get(role)
            value = None if given is None else source.values[source.weights[id(given)]]
            if wanted is None:
                if value is None or not value.any():
                    continue
                # A bias before a normalisation: it takes the bias off its mean.
                users = trace.users(place)
                if role != 'bias' or any(user.name != 'batch_norm' for user in users):
                    return f'{step} has no {role} here, but in the file'
                shifts.update({id(user): value for user in users})
                continue
            if value is None:
                value = torch.full(wanted.shape, 1.0 if role == 'weight' else 0.0)
            if role == 'running_mean' and id(step) in shifts:
                value = value - shifts[id(step)]
            weights[names[id(wanted)]] = value.clone()
    weights.update(_counters(weights))
    return weights


def _counters(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        f'{name.removesuffix("running_mean")}num_batches_tracked': torch.tensor(0)
        for name in weights
        if name.endswith('running_mean')
    }


def _names(model: nn.Module) -> dict[int, str]:
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {id(tensor): name for name, tensor in tensors}


def _shown(shape: tuple[int, ...]) -> str:
    return ' x '.join(map(str, shape[1:]))


def largest_difference(graph: Torch7Graph, cascade: CascadePoseEstimator) -> float:
    """Compare a network and the cascade that took its weights, on noise.

    Args:
        graph (Torch7Graph): The network.
        cascade (CascadePoseEstimator): The cascade, with its weights.

    Returns:
        float: The largest difference of the maps, as a share of their largest
        value.
    """
    width, height = cascade.head.decoder.input_size
    images = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    cascade.eval()
    with torch.no_grad():
        first = graph(images)
        second = cascade.head(cascade.extract_feat(images))[1]
    scale = first.abs().max().clamp(min=1e-12)
    return float((first - second).abs().max() / scale)
