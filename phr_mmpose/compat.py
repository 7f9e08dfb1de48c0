"""All that MMPose's stack needs to be coaxed into importing and loading.

MMPose 1.3.2 and MMDetection 3.3.0 are frozen while the packages below them move
on. Each function here is one measure: it says what it answers and when it can
go, looks whether it is needed, and does nothing where it is not.
:func:`prepare` runs before anything of MMPose is imported.
"""

import importlib.machinery
import importlib.metadata
import importlib.util
import os
import sys
import types
from collections.abc import Callable
from typing import TYPE_CHECKING

# Nothing of the stack is imported before the measure that lets it import.
if TYPE_CHECKING:
    from torch import Tensor

# torch.library.Library undoes its definitions when it is garbage collected.
_libraries = []


def prepare() -> None:
    """Apply every measure that this environment needs."""
    prepare_imports()
    load_checkpoints_safely()
    let_visualizer_draw_joints()


def prepare_imports() -> None:
    """Apply the measures that let MMPose and MMDetection import."""
    declare_torchvision_ops()
    provide_mmcv_ops()
    stand_in_for_xtcocotools()
    replace_pkg_resources()


def declare_torchvision_ops() -> None:
    """Let torchvision import where its compiled library does not fit torch.

    Answers ``operator torchvision::nms does not exist``: a torchvision built for
    CUDA beside a torch built for the CPU (or of another version) cannot load its
    library, and then trips over the schemas that the library would have declared.
    MMPose needs none of these ops; calling one still raises torchvision's error.
    Can go when torchvision guards these registrations by ``_has_ops()`` as it
    does the others.
    """
    try:
        import torchvision
    except ModuleNotFoundError:
        return
    except RuntimeError as error:
        if 'operator torchvision::' not in str(error):
            raise
    else:
        return
    import torch

    library = torch.library.Library('torchvision', 'FRAGMENT')
    library.define('nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
    library.define('qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
    _libraries.append(library)
    for name in [name for name in sys.modules if name.split('.')[0] == 'torchvision']:
        del sys.modules[name]
    import torchvision  # noqa: F401


def provide_mmcv_ops() -> None:
    """Answer ``No module named 'mmcv._ext'``, mmcv-lite's missing compiled ops.

    ``mmpose.models`` imports ``mmcv.ops`` unguarded (``edpose_head.py``), and so do
    MMDetection's detectors. The placeholder lets them import and hands the ops
    that detectors need at inference to torchvision; any other op raises when it
    is called. Can go when there is a wheel of mmcv with its ops for current
    torch, or when MMPose guards that import.
    """
    name = 'mmcv._ext'
    mmcv = importlib.util.find_spec('mmcv')
    if name in sys.modules or mmcv is None:
        return
    if importlib.machinery.PathFinder.find_spec(name, mmcv.submodule_search_locations):
        return
    module = _OpsWithoutCompiler(name)
    # mmengine calls find_spec('mmcv._ext'), which refuses a module without a spec.
    module.__spec__ = importlib.machinery.ModuleSpec(name, loader=None)
    sys.modules[name] = module


class _OpsWithoutCompiler(types.ModuleType):
    """Stands in for ``mmcv._ext``: has every op, runs those of torchvision."""

    @staticmethod
    def nms(
        boxes: 'Tensor', scores: 'Tensor', iou_threshold: float, offset: int
    ) -> 'Tensor':
        """Keep the best of overlapping boxes, as ``mmcv.ops.nms`` calls it.

        Args:
            boxes (Tensor): (N, 4), xyxy.
            scores (Tensor): (N,).
            iou_threshold (float): Boxes that overlap a better one more go.
            offset (int): 1 if x2 and y2 are the last pixel inside, else 0.

        Returns:
            Tensor: Indices of the boxes kept, best first.
        """
        from torchvision.ops import nms

        last_pixel = boxes.new_tensor([0, 0, offset, offset])
        return nms(boxes + last_pixel, scores, iou_threshold)

    @staticmethod
    def roi_align_forward(
        features: 'Tensor',
        rois: 'Tensor',
        output: 'Tensor',
        argmax_y: 'Tensor',
        argmax_x: 'Tensor',
        *,
        aligned_height: int,
        aligned_width: int,
        spatial_scale: float,
        sampling_ratio: int,
        pool_mode: int,
        aligned: bool,
    ) -> None:
        """Write the features of each region into ``output``.

        Args:
            features (Tensor): (B, C, H, W).
            rois (Tensor): (N, 5), image index and xyxy.
            output (Tensor): (N, C, aligned_height, aligned_width), overwritten.
            argmax_y (Tensor): Used by max pooling only, which torchvision lacks.
            argmax_x (Tensor): As ``argmax_y``.
            aligned_height (int): Height of a region's features.
            aligned_width (int): Width of a region's features.
            spatial_scale (float): Feature cells per pixel of ``rois``.
            sampling_ratio (int): Samples per bin and axis; 0 adapts to the size.
            pool_mode (int): 1 for averages, 0 for maxima.
            aligned (bool): Whether to shift regions by half a cell.
        """
        if pool_mode != 1:
            raise _missing_op('roi_align_forward with max pooling')
        from torchvision.ops import roi_align

        size = (aligned_height, aligned_width)
        output.copy_(
            roi_align(features, rois, size, spatial_scale, sampling_ratio, aligned)
        )

    def __getattr__(self, name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)

        def op(*args, **kwargs):
            raise _missing_op(name)

        return op


def _missing_op(name: str) -> NotImplementedError:
    return NotImplementedError(
        f'the compiled op "{name}" is not part of mmcv-lite: '
        'replace mmcv-lite by mmcv (built with its ops) to use it'
    )


def stand_in_for_xtcocotools() -> None:
    """Let MMPose's COCO datasets import without xtcocotools, over pycocotools.

    xtcocotools has no wheel for numpy 2, so it is missing where no C compiler or
    no Python header was at hand, and broken (``numpy.dtype size changed``) where a
    wheel for numpy 1 was installed. Its reader and masks are pycocotools' own; only
    its scoring is not, and raises when used. Can go when xtcocotools has wheels
    for numpy 2, or when MMPose drops it.
    """
    try:
        import xtcocotools.mask  # noqa: F401
    except (ImportError, ValueError):
        if importlib.util.find_spec('pycocotools') is None:
            return
    else:
        return
    import pycocotools.coco
    import pycocotools.mask

    for name in [name for name in sys.modules if name.split('.')[0] == 'xtcocotools']:
        del sys.modules[name]
    package = types.ModuleType('xtcocotools')
    package.__path__ = []
    package.coco = pycocotools.coco
    package.mask = pycocotools.mask
    package.cocoeval = types.ModuleType('xtcocotools.cocoeval')
    package.cocoeval.COCOeval = NoCOCOeval
    sys.modules['xtcocotools'] = package
    for name in ('coco', 'mask', 'cocoeval'):
        sys.modules[f'xtcocotools.{name}'] = getattr(package, name)


class NoCOCOeval:
    """Stands in for xtcocotools' scoring, which pycocotools lacks."""

    MEND = (
        'COCO scores need xtcocotools, which is built from source: install gcc and '
        'python3-dev, then run make env (or pip install --no-deps '
        '--no-build-isolation --no-binary xtcocotools xtcocotools)'
    )

    def __init__(self, *args, **kwargs) -> None:
        raise NotImplementedError(self.MEND)


def replace_pkg_resources() -> None:
    """Let mmengine find packages without ``pkg_resources``.

    mmengine 0.10.7 asks ``pkg_resources`` where MMPose lies (``_base_ =
    'mmpose::…'``, the inferencer's detectors); setuptools 81 dropped it. Can go
    with the support of mmengine 0.10 (onedl-mmengine asks importlib by itself).
    """
    import mmengine.utils.package_utils as package_utils

    if (
        importlib.util.find_spec('pkg_resources') is not None
        or 'pkg_resources' not in package_utils.is_installed.__code__.co_names
    ):
        return
    for replacement in (is_installed, get_installed_path):
        name = replacement.__name__
        original = getattr(package_utils, name)
        for module in list(sys.modules.values()):
            if vars(module).get(name) is original:
                setattr(module, name, replacement)


def is_installed(package: str) -> bool:
    """Tell whether a package is there, as mmengine's function of this name.

    Args:
        package (str): Name of a distribution or of a module.

    Returns:
        bool: Whether it can be imported.
    """
    return importlib.util.find_spec(_module_of(package)) is not None


def get_installed_path(package: str) -> str:
    """Say where a package lies, as mmengine's function of this name.

    Args:
        package (str): Name of a distribution or of a module.

    Returns:
        str: The folder of its module.

    Raises:
        ImportError: If there is no such package.
    """
    spec = importlib.util.find_spec(_module_of(package))
    if spec is None or spec.origin is None:
        raise ImportError(f'package {package} is not installed')
    return os.path.dirname(spec.origin)


def _module_of(package: str) -> str:
    """Name the module of a distribution (``mmsegmentation`` holds ``mmseg``)."""
    try:
        names = importlib.metadata.distribution(package).read_text('top_level.txt')
    except importlib.metadata.PackageNotFoundError:
        return package
    return names.split()[0] if names and names.strip() else package


def load_checkpoints_safely() -> None:
    """Have mmengine read checkpoints through :mod:`phr_mmpose.utils.checkpoint`.

    A checkpoint is a pickle, and a pickle can run code. mmengine 0.10.7 either
    runs it (torch < 2.6) or refuses mmengine's own checkpoints (torch >= 2.6, which
    knows no ``HistoryBuffer``); onedl-mmengine 0.10.12 tries the safe way and, when
    that fails, runs the code after all. ``Runner``, ``init_model`` and the inferencers
    all load through the module patched here, whatever the backend. Can go when
    mmengine loads with an allow-list and nothing else.
    """
    import mmengine.runner.checkpoint as loading

    from phr_mmpose.utils.checkpoint import load_from_local, load_from_url

    if isinstance(loading.torch, _TorchWithSafeLoad):
        return
    loading.torch = _TorchWithSafeLoad('torch')
    loading.load_url = load_from_url
    loading.CheckpointLoader.register_scheme('', load_from_local, force=True)


class _TorchWithSafeLoad(types.ModuleType):
    """Is torch for the one module of mmengine, but for ``load``."""

    @staticmethod
    def load(file, map_location=None, **kwargs) -> object:
        """Load by the allow-list, whatever ``weights_only`` says.

        Args:
            file (str | BinaryIO): The checkpoint.
            map_location: As for :func:`torch.load`.
            **kwargs: Ignored; no option may widen what is allowed.

        Returns:
            object: What the checkpoint holds.
        """
        from phr_mmpose.utils.checkpoint import safe_load

        return safe_load(file, map_location)

    def __getattr__(self, name: str) -> object:
        import torch

        return getattr(torch, name)


def let_visualizer_draw_joints() -> None:
    """Let MMPose's visualizer draw joints under numpy 2.4.

    ``PoseLocalVisualizer`` passes a circle's radius as an array of one number and
    then takes ``int`` of it, which numpy 2.4 refuses (``only 0-dimensional arrays
    can be converted to Python scalars``). Can go when MMPose passes a number.
    """
    import warnings

    import numpy as np

    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            int(np.ones(1))
    except TypeError:
        pass
    else:
        return
    from mmpose.visualization.opencv_backend_visualizer import OpencvBackendVisualizer

    original = OpencvBackendVisualizer.draw_circles
    if original.__module__ == __name__:
        return

    def draw_circles(self, center, radius, *args, **kwargs):
        # matplotlib's backend wants the array.
        if self.backend == 'opencv':
            radius = np.asarray(radius).item()
        return original(self, center, radius, *args, **kwargs)

    OpencvBackendVisualizer.draw_circles = draw_circles
