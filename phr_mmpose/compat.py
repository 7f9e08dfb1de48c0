"""All that MMPose's stack needs to be coaxed into importing and loading."""

import importlib.machinery
import importlib.util
import sys
import types


class _MissingOps(types.ModuleType):
    """Stands in for ``mmcv._ext``: every op exists and raises when called."""

    def __getattr__(self, name):
        if name.startswith('__'):
            raise AttributeError(name)

        def op(*args, **kwargs):
            raise NotImplementedError(
                f'the compiled op "{name}" is not part of mmcv-lite: install mmcv'
            )

        return op


def provide_mmcv_ops() -> None:
    """Answer ``import mmcv._ext``, which mmcv-lite lacks."""
    name = 'mmcv._ext'
    mmcv = importlib.util.find_spec('mmcv')
    if name in sys.modules or mmcv is None:
        return
    if importlib.machinery.PathFinder.find_spec(name, mmcv.submodule_search_locations):
        return
    module = _MissingOps(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    sys.modules[name] = module


def prepare() -> None:
    """Apply every measure that this environment needs."""
    provide_mmcv_ops()
