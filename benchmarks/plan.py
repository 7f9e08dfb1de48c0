"""Which cases are run, how large, and in which order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from benchmarks.models import BFLOAT16, CASCADE, FLOAT32, PRECISIONS, TINY
from phr_mmpose.utils.errors import UserError

#: The name of this cascade in the names of cases.
OURS = 'phr_res152'
STAGES = ('detector', 'refiner', 'joint')
#: MMPose's models beside it.
PEERS = ('td-hm_res152', 'td-hm_hourglass52', 'td-hm_hrnet-w32')


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Args:
        name (str): Its name in the results, ``kind/...``.
        kind (str): The module of :mod:`benchmarks.cases` that measures it.
        options (dict): What that module is told.
        once (bool): It is not repeated. Defaults to False.
    """

    name: str
    kind: str
    options: dict
    once: bool = False


@dataclass(frozen=True)
class Sizes:
    """How large the cases are on a device.

    Args:
        batch (int): Of training steps.
        memory_batch (int): Of those whose memory is compared: as one trains, for
            in small ones the weights take most of it.
        test_batches (tuple[int, ...]): Of predictions, ascending.
        calls (int): Timed calls in each process.
        warmup (int): Calls before them.
        loader_seconds (float): How long each loader is watched.
    """

    batch: int
    memory_batch: int
    test_batches: tuple[int, ...]
    calls: int
    warmup: int
    loader_seconds: float


_SIZES = {
    'cuda': Sizes(64, 64, (1, 8, 32), 10, 5, 6.0),
    'cpu': Sizes(2, 16, (1, 8), 1, 1, 3.0),
}
_QUICK = {
    'cuda': Sizes(16, 16, (1, 8), 3, 2, 2.0),
    'cpu': Sizes(1, 2, (1,), 1, 1, 1.0),
}


def sizes_for(device: str, quick: bool) -> Sizes:
    """Choose the sizes for a device.

    Args:
        device (str): ``'cpu'`` or ``'cuda'``.
        quick (bool): The least that exercises every case.
    """
    return (_QUICK if quick else _SIZES)[device]


def all_cases(
    device: str,
    sizes: Sizes,
    folder: str,
    data: str | None = None,
    weights: str | None = None,
    native_bf16: bool = True,
) -> list[Case]:
    """List all cases.

    Where the processor does not compute in bfloat16 itself, it takes several times
    as long as in float32: then only this cascade is measured in it, once.

    Args:
        device (str): ``'cpu'`` or ``'cuda'``.
        sizes (Sizes): How large they are.
        folder (str): Where the made-up photos are.
        data (str | None): LSP, as prepared by ``tools/prepare_lsp.py``.
        weights (str | None): A checkpoint of ``configs/phr_tiny_lsp.py``.
        native_bf16 (bool): Whether the device computes in bfloat16 itself.

    Returns:
        list[Case]: In the order of a round.
    """
    return [
        *_step_cases(device, sizes, native_bf16),
        *_loader_cases(sizes, folder, data),
        Case(
            'accuracy/phr_tiny_lsp',
            'accuracy',
            dict(model=TINY, device=device, data=data, weights=weights),
            once=True,
        ),
    ]


def _step_cases(device: str, sizes: Sizes, native_bf16: bool) -> Iterator[Case]:
    calls = dict(calls=sizes.calls, warmup=sizes.warmup)
    subjects = [(OURS, stage) for stage in STAGES] + [(name, None) for name in PEERS]
    for precision in PRECISIONS:
        slow = precision == BFLOAT16 and not native_bf16
        for name, stage in [(OURS, 'joint')] if slow else subjects:
            options = dict(_model(name, device), stage=stage, precision=precision)
            options |= dict(batch=sizes.batch, **calls)
            label = f'{name}-{stage}' if stage else name
            yield Case(f'train/{label}/{precision}', 'train', options, once=slow)
        # Stock decoding asks numpy for the maps, which has no bfloat16.
        for name in (OURS, *PEERS) if precision == FLOAT32 else (OURS,):
            options = dict(_model(name, device), precision=precision)
            options |= dict(batches=sizes.test_batches, **calls)
            yield Case(f'test/{name}/{precision}', 'test', options, once=slow)
    for stage in ('refiner', 'joint'):
        options = dict(_model(OURS, device), stage=stage, precision=FLOAT32)
        options |= dict(batch=sizes.memory_batch, calls=1, warmup=1)
        yield Case(f'memory/{OURS}-{stage}/{FLOAT32}', 'train', options, once=True)
    options = dict(_model(OURS, device), batch=sizes.test_batches[-1], **calls)
    yield Case(f'onnx/{OURS}', 'onnx', options)


def _model(name: str, device: str) -> dict:
    return dict(model=CASCADE if name == OURS else name, device=device)


def _loader_cases(sizes: Sizes, folder: str, data: str | None) -> Iterator[Case]:
    for photos in ('synthetic', 'lsp'):
        for way in ('stock', 'plain', 'cropped'):
            yield Case(
                f'loader/{way}/{photos}',
                'loader',
                dict(
                    way=way,
                    photos=photos,
                    folder=folder,
                    data=data,
                    seconds=sizes.loader_seconds,
                ),
            )


def choose(cases: Sequence[Case], patterns: Sequence[str] | None) -> list[Case]:
    """Choose cases by their names.

    Args:
        cases (Sequence[Case]): All cases.
        patterns (Sequence[str] | None): Names, or patterns with ``*``; None
            chooses all.

    Returns:
        list[Case]: In the same order.

    Raises:
        UserError: If a pattern fits no case.
    """
    if patterns is None:
        return list(cases)
    for pattern in patterns:
        if not any(fnmatchcase(case.name, pattern) for case in cases):
            names = ' '.join(case.name for case in cases)
            raise UserError(f'--cases {pattern}: fits none of {names}')
    return [case for case in cases if any(fnmatchcase(case.name, p) for p in patterns)]


def rounds(cases: Sequence[Case], repeats: int) -> Iterator[tuple[int, Case]]:
    """Alternate the cases, so that a machine that drifts hurts all alike.

    Args:
        cases (Sequence[Case]): The cases.
        repeats (int): How often each is measured, but those that are run once.

    Yields:
        tuple[int, Case]: The number of the round, from 0, and the case.
    """
    for number in range(repeats):
        for case in cases:
            if number == 0 or not case.once:
                yield number, case
