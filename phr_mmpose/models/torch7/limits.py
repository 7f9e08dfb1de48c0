"""Bounds of a described network, so that running it ends."""

from collections.abc import Iterator

# Modules in modules; far above real networks, far below Python's stack.
MOST_NESTED = 100
# A shared module runs wherever it is used: small files could ask for endless runs.
MOST_CALLS = 100_000


def check_calls(modules: list[dict]) -> None:
    """Check how deep modules nest and how often they run.

    Args:
        modules (list[dict]): Of a description; each refers to earlier ones.

    Raises:
        ValueError: If it is too much, or one refers to itself or a later one.
    """
    calls: list[int] = []
    depths: list[int] = []
    for number, module in enumerate(modules):
        inner = list(children_of(module))
        if any(not 0 <= child < number for child in inner):
            raise ValueError(f'module {number} refers to one that is not before it')
        calls.append(1 + sum(calls[child] for child in inner))
        depths.append(1 + max((depths[child] for child in inner), default=0))
        if calls[-1] > MOST_CALLS:
            raise ValueError(f'its modules run more than {MOST_CALLS} times')
        if depths[-1] > MOST_NESTED + 2:
            raise ValueError(f'modules nest deeper than {MOST_NESTED}')


def children_of(module: dict) -> Iterator[int]:
    """List the modules that one runs, as often as it runs them.

    Args:
        module (dict): Its description.
    """
    yield from module.get('children', ())
    for node in module.get('nodes', ()):
        if node['module'] is not None:
            yield node['module']
