"""Each measure acts where it is needed, and only there."""

import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import mmdet
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor

from phr_mmpose import compat

REPO = Path(__file__).resolve().parent.parent
MMDET_CONFIGS = Path(mmdet.__file__).parent / '.mim' / 'configs'

needs_placeholder = pytest.mark.skipif(
    not isinstance(sys.modules.get('mmcv._ext'), compat._OpsWithoutCompiler),
    reason='mmcv has its compiled ops here',
)

LOAD_COMPAT = f"""
import importlib.util, sys
path = {str(REPO / 'phr_mmpose' / 'compat.py')!r}
spec = importlib.util.spec_from_file_location('compat', path)
compat = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compat)
"""


def run_fresh(code: str, extra_path: Path | None = None) -> str:
    """Run code in a fresh interpreter with ``compat`` loaded alone."""
    environment = dict(
        os.environ, OMP_NUM_THREADS='1', PYTHONPATH=str(extra_path or '')
    )
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', LOAD_COMPAT + code],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def make_package(folder: Path, **modules: str) -> None:
    """Write a package's modules, given by name and source."""
    folder.mkdir()
    for name, source in modules.items():
        (folder / f'{name}.py').write_text(source)


def test_the_measures_suffice_to_import_the_stack_and_may_run_twice():
    out = run_fresh(
        'compat.prepare_imports(); compat.prepare_imports()\n'
        'import mmdet.models, mmpose.models, mmpose.apis\n'
        'print(mmpose.registry.MODELS.get("TopdownPoseEstimator").__name__)'
    )
    assert out == 'TopdownPoseEstimator'


# --- torchvision's ops -------------------------------------------------------


@pytest.mark.skipif(
    not hasattr(torch.library, 'register_fake'), reason='torch < 2.4 has another way'
)
def test_torchvision_without_its_library_imports_once_its_ops_are_declared(tmp_path):
    make_package(
        tmp_path / 'torchvision',
        __init__='import torchvision.ops',
        ops="""
import torch
@torch.library.register_fake('torchvision::nms')
def nms(dets, scores, iou_threshold): ...
@torch.library.register_fake('torchvision::qnms')
def qnms(dets, scores, iou_threshold): ...
""",
    )
    out = run_fresh(
        """
try:
    import torchvision
except RuntimeError as error:
    print(error)
compat.declare_torchvision_ops()
import torchvision
print(torchvision.ops.nms.__name__)
""",
        tmp_path,
    )
    assert out.splitlines() == ['operator torchvision::nms does not exist', 'nms']


def test_other_troubles_of_torchvision_are_not_hidden(tmp_path):
    make_package(tmp_path / 'torchvision', __init__="raise RuntimeError('CUDA major')")
    out = run_fresh(
        """
try:
    compat.declare_torchvision_ops()
except RuntimeError as error:
    print(error)
""",
        tmp_path,
    )
    assert out == 'CUDA major'


def test_torchvision_is_left_alone_where_it_works():
    assert torch.ops.torchvision.nms is not None
    assert bool(compat._libraries) is not _torchvision_works()


def _torchvision_works() -> bool:
    from torchvision.extension import _has_ops

    return _has_ops()


needs_torchvision_ops = pytest.mark.skipif(
    not _torchvision_works(), reason='torchvision does not fit torch here'
)


# --- mmcv's ops --------------------------------------------------------------


@needs_placeholder
def test_a_missing_op_names_itself_when_called():
    ops = importlib.import_module('mmcv._ext')
    assert importlib.util.find_spec('mmcv._ext') is not None
    with pytest.raises(NotImplementedError, match=r'"deform_conv_forward".*mmcv'):
        ops.deform_conv_forward(1, 2, stride=3)


def test_compiled_ops_are_left_alone(tmp_path):
    make_package(tmp_path / 'mmcv', __init__='', _ext="nms = 'compiled'")
    out = run_fresh(
        'compat.provide_mmcv_ops()\nfrom mmcv._ext import nms; print(nms)', tmp_path
    )
    assert out == 'compiled'


@needs_placeholder
@needs_torchvision_ops
def test_nms_keeps_the_best_of_overlapping_boxes():
    from mmcv.ops import nms

    # IoU of the first two: 4*10 / (2*100 - 4*10) = 0.25; the third is apart.
    boxes = torch.tensor([[0.0, 0, 10, 10], [6, 0, 16, 10], [30, 30, 40, 40]])
    scores = torch.tensor([0.5, 0.9, 0.7])
    dets, kept = nms(boxes, scores, iou_threshold=0.24)
    assert kept.tolist() == [1, 2]
    assert torch.equal(dets, torch.cat([boxes, scores[:, None]], 1)[[1, 2]])
    _, kept = nms(boxes, scores, iou_threshold=0.26)
    assert kept.tolist() == [1, 2, 0]


@needs_placeholder
@needs_torchvision_ops
def test_nms_counts_the_last_pixel_where_offset_says_so():
    from mmcv.ops import nms

    # With offset 1 these are 11 wide and share 5 columns: 55 / (242 - 55) = 0.294.
    boxes = torch.tensor([[0.0, 0, 10, 10], [6, 0, 16, 10]])
    scores = torch.tensor([0.9, 0.5])
    _, kept = nms(boxes, scores, iou_threshold=0.28, offset=1)
    assert kept.tolist() == [0]
    _, kept = nms(boxes, scores, iou_threshold=0.28, offset=0)
    assert kept.tolist() == [0, 1]


@needs_placeholder
@needs_torchvision_ops
@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_roi_align_averages_over_each_bin(sampling_ratio: int):
    from mmcv.ops import roi_align

    # A ramp over x: the mean over a bin is the value at its centre.
    features = torch.arange(8.0).expand(1, 1, 8, 8).contiguous()
    rois = torch.tensor([[0.0, 4, 4, 12, 12]])  # cells 2..6 at half the scale
    pooled = roi_align(features, rois, (2, 2), 0.5, sampling_ratio, 'avg', True)
    expected = torch.tensor([[2.5, 4.5], [2.5, 4.5]])  # centres 3 and 5, less 0.5
    assert torch.allclose(pooled[0, 0], expected)


@needs_placeholder
def test_roi_align_by_maxima_is_refused():
    from mmcv.ops import roi_align

    with pytest.raises(NotImplementedError, match=r'max pooling'):
        roi_align(
            torch.zeros(1, 1, 4, 4), torch.zeros(1, 5), (2, 2), 1.0, 0, 'max', True
        )


def detect(config: Config) -> Tensor:
    """Run a detector with random weights on noise, giving its boxes (N, 4)."""
    from mmdet.apis import inference_detector, init_detector

    torch.manual_seed(0)
    config.model.backbone.init_cfg = None
    photo = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    with DefaultScope.overwrite_default_scope('mmdet'):
        detector = init_detector(config, None, palette='random', device='cpu')
        boxes = inference_detector(detector, photo).pred_instances.bboxes
    assert len(boxes) > 0
    assert torch.isfinite(boxes).all()
    return boxes


@needs_torchvision_ops
@pytest.mark.filterwarnings('ignore:checkpoint is None')
def test_a_one_stage_detector_runs():
    detect(Config.fromfile(MMDET_CONFIGS / 'rtmdet' / 'rtmdet_tiny_8xb32-300e_coco.py'))


@needs_torchvision_ops
@pytest.mark.filterwarnings('ignore:checkpoint is None')
def test_a_two_stage_detector_runs():
    config = Config.fromfile(
        MMDET_CONFIGS / 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'
    )
    config.model.backbone.update(depth=18)
    config.model.neck.in_channels = [64, 128, 256, 512]
    config.model.test_cfg.rcnn.score_thr = 0.0
    config.test_dataloader.dataset.pipeline[1].scale = (96, 64)
    detect(config)


# --- xtcocotools -------------------------------------------------------------

STANDS_IN = """
compat.stand_in_for_xtcocotools()
from xtcocotools.coco import COCO
from xtcocotools.cocoeval import COCOeval
import xtcocotools.mask
print(COCO.__module__, xtcocotools.mask.__name__)
try:
    COCOeval(None, None, 'keypoints')
except NotImplementedError as error:
    print(error)
"""


def test_pycocotools_stands_in_for_an_xtcocotools_built_for_another_numpy(tmp_path):
    make_package(
        tmp_path / 'xtcocotools',
        __init__='',
        mask="raise ValueError('numpy.dtype size changed')",
    )
    lines = run_fresh(STANDS_IN, tmp_path).splitlines()
    assert lines[0] == 'pycocotools.coco pycocotools.mask'
    assert 'pip install' in lines[1] and 'xtcocotools' in lines[1]


def test_pycocotools_stands_in_for_a_missing_xtcocotools():
    lines = run_fresh("sys.modules['xtcocotools'] = None\n" + STANDS_IN).splitlines()
    assert lines[0] == 'pycocotools.coco pycocotools.mask'


def test_xtcocotools_is_left_alone_where_it_works(tmp_path):
    make_package(tmp_path / 'xtcocotools', __init__='', mask="name = 'its own'")
    out = run_fresh(
        'compat.stand_in_for_xtcocotools()\n'
        'import xtcocotools.mask; print(xtcocotools.mask.name)',
        tmp_path,
    )
    assert out == 'its own'


# --- pkg_resources -----------------------------------------------------------


def test_configs_inherit_from_mmpose_with_or_without_pkg_resources(tmp_path):
    path = tmp_path / 'child.py'
    path.write_text("_base_ = ['mmpose::_base_/default_runtime.py']\n")
    assert Config.fromfile(path).default_scope == 'mmpose'


def test_packages_are_found_without_pkg_resources():
    assert compat.is_installed('mmdet')
    assert not compat.is_installed('no_such_package')
    assert compat.get_installed_path('mmdet') == os.path.dirname(mmdet.__file__)
    with pytest.raises(ImportError, match=r'no_such_package is not installed'):
        compat.get_installed_path('no_such_package')


def test_a_distribution_is_found_by_the_module_it_holds(tmp_path):
    make_package(tmp_path / 'mmseg', __init__='')
    metadata = tmp_path / 'mmsegmentation-1.0.dist-info'
    metadata.mkdir()
    (metadata / 'METADATA').write_text('Name: mmsegmentation\nVersion: 1.0\n')
    (metadata / 'top_level.txt').write_text('mmseg\n')
    out = run_fresh('print(compat.get_installed_path("mmsegmentation"))', tmp_path)
    assert out == str(tmp_path / 'mmseg')


OLD_MMENGINE = """
def is_installed(package):
    import pkg_resources
    return True
def get_installed_path(package):
    import pkg_resources
    return 'as pkg_resources says'
"""
NEW_MMENGINE = """
def is_installed(package): return True
def get_installed_path(package): return 'as importlib says'
"""


def installed_path_of_mmdet(folder: Path, package_utils: str) -> str:
    """Ask a mmengine made of the given source where MMDetection lies."""
    imports = 'from .package_utils import get_installed_path, is_installed'
    make_package(folder / 'mmengine', __init__='from . import utils')
    make_package(
        folder / 'mmengine' / 'utils', __init__=imports, package_utils=package_utils
    )
    return run_fresh(
        'compat.replace_pkg_resources()\n'
        'import mmengine; print(mmengine.utils.get_installed_path("mmdet"))',
        folder,
    )


@pytest.mark.skipif(
    importlib.util.find_spec('pkg_resources') is not None,
    reason='setuptools < 81 has pkg_resources',
)
def test_an_mmengine_that_asks_pkg_resources_asks_importlib(tmp_path):
    path = installed_path_of_mmdet(tmp_path, OLD_MMENGINE)
    assert path == os.path.dirname(mmdet.__file__)


def test_an_mmengine_that_does_without_pkg_resources_is_left_alone(tmp_path):
    assert installed_path_of_mmdet(tmp_path, NEW_MMENGINE) == 'as importlib says'


# --- drawing -----------------------------------------------------------------


def test_the_visualizer_draws_joints():
    from mmpose.visualization import PoseLocalVisualizer

    compat.let_visualizer_draw_joints()
    compat.let_visualizer_draw_joints()
    visualizer = PoseLocalVisualizer(vis_backends=[])
    visualizer.set_image(np.zeros((9, 9, 3), np.uint8))
    visualizer.draw_circles(
        np.array([4, 4]), radius=np.array([2]), face_colors=(10, 20, 30)
    )
    drawn = visualizer.get_image()
    assert drawn[4, 4].tolist() == drawn[4, 6].tolist() == [10, 20, 30]
    assert not drawn[0].any()
