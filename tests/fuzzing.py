"""Mutations that a seed decides, and a child that reads what they make.

``FUZZ_SEEDS=17:18`` runs the seeds 17 to 17 in place of a test's own, to repeat a
failure or to search on.
"""

import copy
import json
import math
import multiprocessing
import os
import re
import resource
import sys
import traceback
from collections.abc import Callable

import numpy as np
import pytest

from phr_mmpose.utils.errors import UserError

# It shows if text of a file is run as a program.
CODE = "__import__('os').system('true')"
# Longer is a hang; more memory than before, or more address space, is a bomb.
_SECONDS, _GROWTH, _SPACE = 30, 2**30, 8 * 2**30

# Numbers as JSON may have them and Python's writer does not.
_RAW = {
    f'<{number}>': text
    for number, text in enumerate(
        ('1e400', '-1e400', '1' * 400, '1' * 5000, '[' * 2000 + ']' * 2000)
    )
}
ODD = (
    *(None, True, False, 0, -1, 1, 3, 2**31, -(2**63), 2**64, 10**30),
    *(0.5, -0.0, 1e-320, 1e300, -3e38, math.nan, math.inf, -math.inf),
    *(
        '',
        'a',
        '1',
        '\n',
        'a\n\x1b[31m\x00b',
        '../../up',
        '/etc/passwd',
        '\udcff',
        CODE,
    ),
    *([], {}, [1], [[1, 2], [3]], [[[[]]]], {'a': 1}, [None], [[]] * 3),
)
ODD_JSON = (*ODD, *_RAW)


def counts(some: int, many: int) -> pytest.MarkDecorator:
    """Parametrize a test by ``seeds``: a few, and many in the long run."""
    given = os.environ.get('FUZZ_SEEDS')
    if given:
        return pytest.mark.parametrize('seeds', [range(*map(int, given.split(':')))])
    return pytest.mark.parametrize(
        'seeds',
        [
            pytest.param(range(some), id='some'),
            pytest.param(range(some, many), id='many', marks=pytest.mark.slow),
        ],
    )


def mutated_bytes(content: bytes, generator: np.random.Generator) -> bytes:
    """Change, cut out or double some bytes; those of the header more often."""
    changed = bytearray(content)
    reach = len(changed) if generator.random() < 0.5 else min(len(changed), 120)
    cut = generator.random() < 0.1
    for _ in range(generator.integers(1, 6)):
        start = min(int(generator.integers(max(reach, 1))), len(changed))
        part = changed[start : start + int(generator.integers(1, 9))]
        new = (generator.bytes(len(part)), b'\xff' * len(part), b'', part + part)
        changed[start : start + len(part)] = new[generator.integers(4)]
    return bytes(changed[: generator.integers(len(changed) + 1)] if cut else changed)


def mutated(value: object, generator: np.random.Generator, odd: tuple = ODD) -> object:
    """Copy nested containers and arrays; replace, drop or double some of the parts.

    Args:
        value: Dicts, lists, object arrays and MATLAB structs, or objects with
            ``fields``, of anything.
        generator: Decides.
        odd: What parts are replaced by.
    """
    holder = [copy.deepcopy(value)]
    for _ in range(generator.integers(1, 4)):
        owner, key = holder, 0
        while (keys := _keys(owner[key])) and generator.random() < 0.85:
            owner = getattr(owner[key], 'fields', owner[key])
            key = keys[generator.integers(len(keys))]
        _change(owner, key, generator, odd)
    return holder[0]


def _keys(value: object) -> list:
    value = getattr(value, 'fields', value)
    if isinstance(value, dict):
        return list(value)
    if isinstance(value, list):
        return list(range(len(value)))
    if isinstance(value, np.void):
        return list(value.dtype.names or ())
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        return list(np.ndindex(value.shape))
    return []


def _change(owner: object, key: object, generator: np.random.Generator, odd) -> None:
    way, part = generator.random(), owner[key]
    if isinstance(part, np.ndarray) and not part.dtype.hasobject and way < 0.7:
        owner[key] = mutated_array(part, generator)
    elif way < 0.15 and isinstance(owner, (dict, list)):
        del owner[key]
        if isinstance(owner, list) and not owner:
            owner.append(None)
    elif way < 0.3 and isinstance(owner, list):
        owner.insert(key, copy.deepcopy(part))
    elif way < 0.4 and isinstance(owner, dict) and owner:
        other = list(owner)[generator.integers(len(owner))]
        owner[other] = copy.deepcopy(part)  # lest it hold itself
    elif way < 0.45 and isinstance(owner, dict):
        owner[odd[generator.integers(9)]] = copy.deepcopy(part)
    elif way < 0.5 and isinstance(owner, (dict, list)):
        owner[key] = [part]
    elif not isinstance(part, np.void):
        owner[key] = copy.deepcopy(odd[generator.integers(len(odd))])


def mutated_array(array: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Give an array another type, shape or some other values."""
    way = generator.integers(6)
    if way == 0:
        kinds = ('u1', 'i8', 'f2', 'f8', '>f4', 'c16', '?', 'U3', 'S2', 'M8[s]')
        with np.errstate(all='ignore'):
            return array.astype(kinds[generator.integers(len(kinds))])
    if way == 1:
        return array.T if generator.random() < 0.5 else array.ravel()
    if way == 2:
        return array[None] if generator.random() < 0.5 else array[..., None]
    if way == 3 and array.ndim:
        return array[: generator.integers(len(array) + 1)]
    if way == 4:
        return np.zeros((0, *array.shape))
    changed = np.array(array, np.float64 if array.dtype.kind in 'iuf' else None)
    if changed.size and changed.dtype.kind == 'f':
        odd = [each for each in ODD if isinstance(each, float)]
        changed.flat[generator.integers(changed.size)] = generator.choice(odd)
    return changed


def json_text(value: object, generator: np.random.Generator) -> str:
    """Write JSON with numbers that no float holds, and some keys twice."""
    text = json.dumps(value, skipkeys=True)
    for mark, raw in _RAW.items():
        text = text.replace(f'"{mark}"', raw)
    names = list(re.finditer(r'"\w+": ', text))
    if names and generator.random() < 0.1:
        at = names[generator.integers(len(names))]
        text = f'{text[: at.start()]}{at[0]}null, {text[at.start() :]}'
    return text


def survives(seeds: range, case: Callable[[np.random.Generator], None]) -> None:
    """See that a case ends for each seed in a result or a ``UserError``.

    The cases run in a forked child: a library that dies, hangs or takes much memory
    is told with the seed that made it so.

    Args:
        seeds: The seeds.
        case: Given a generator. It may raise a ``UserError``.
    """
    faults: dict[str, str] = {}
    left = seeds
    while left:
        seed, fault = _first_fault(left, case)
        if fault is None:
            break
        kind = fault.strip().splitlines()
        faults.setdefault('\n'.join(kind[-4:]), f'seed {seed}: {fault}')
        left = range(seed + 1, left.stop)
    if faults:
        pytest.fail(
            f'{len(faults)} kinds of faults\n' + '\n'.join(faults.values()),
            pytrace=False,
        )


def _first_fault(seeds: range, case: Callable) -> tuple[int, str | None]:
    fork = multiprocessing.get_context('fork')
    ours, theirs = fork.Pipe(duplex=False)
    child = fork.Process(target=_run, args=(seeds, case, theirs), daemon=True)
    child.start()
    theirs.close()
    seed, fault = seeds.start, 'no case was begun'
    try:
        while fault is not None:
            if not ours.poll(_SECONDS):
                return seed, f'hangs for {_SECONDS} s'
            seed, fault = ours.recv()
            if fault:
                return seed, fault
            if fault is None:
                return seed, None
        return seed, None
    except EOFError:
        child.join()
        return seed, f'the process dies ({child.exitcode})'
    finally:
        child.kill()
        child.join()
        ours.close()


def _run(seeds: range, case: Callable, pipe) -> None:
    """Send each seed as it begins, with '', and its fault; None at the end."""
    ran = []

    def watch(event: str, arguments: tuple) -> None:
        if event == 'os.system':
            ran.append(event)

    sys.addaudithook(watch)
    sys.stdout = sys.stderr = open(os.devnull, 'w')  # noqa: SIM115
    for stream in (1, 2):
        os.dup2(sys.stdout.fileno(), stream)
    pages = int(open('/proc/self/statm').read().split()[0])  # noqa: SIM115
    space = pages * resource.getpagesize() + _SPACE
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    before = _peak()
    for seed in seeds:
        pipe.send((seed, ''))
        fault = ''
        try:
            case(np.random.default_rng(seed))
        except UserError as error:
            fault = _memory_fault(error)
        except BaseException:
            fault = traceback.format_exc()
        if ran:
            fault = f'{ran} was run\n{fault}'
        peak = _peak()
        if peak - before > _GROWTH:
            fault = f'takes {(peak - before) >> 20} MB\n{fault}'
        if fault:
            pipe.send((seed, fault))
    pipe.send((seeds.stop, None))


def _memory_fault(error: BaseException | None) -> str:
    """Say so if more memory was asked for than there is, whatever it became."""
    while error is not None:
        # A bare MemoryError is of room that a read of a few bytes never fills.
        if 'allocate' in str(error):
            return ''.join(traceback.format_exception(error))
        error = error.__cause__ or error.__context__
    return ''


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
