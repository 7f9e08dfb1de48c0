"""Fit how a cascade reads from its detector whether a keypoint is visible.

Prints the ``visibility`` of the config's ``detector_codec``: weights of a logistic
function of the detector's peak at the keypoint and of its heatmap's mass, and a bias
for each keypoint. They are fitted to the flags of val_dataloader's data, which must
know which keypoints are hidden and should be none that the test is made with.

Example:
    python tools/fit_visibility.py configs/phr_lite_lsp.py stage_finish.pth
"""

import argparse
from collections.abc import Sequence

from phr_mmpose.utils.cli import run

import torch
from mmengine.runner import Runner
from torch import Tensor
from tqdm import tqdm

from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.codecs.binary_disc import BinaryDisc, logistic, peak_logit
from phr_mmpose.evaluation.functional.visibility import visibility_rates
from phr_mmpose.evaluation.metrics.samples import ground_truth_flags
from phr_mmpose.utils.config import ConfigOptions, building, load_config
from phr_mmpose.utils.errors import UserError
from phr_mmpose.zoo import find_model

# Keeps the bias of a keypoint that is never hidden within bounds.
_DECAY = 1e-3


def main(argv: Sequence[str] | None = None) -> None:
    """Fit and print.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If config, weights or data are faulty, or the data does not know
            which keypoints are hidden.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'config', help='the config, or alone a model that comes with the package'
    )
    parser.add_argument('checkpoint', nargs='?', help='the checkpoint, a .pth file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='override values of the config, such as val_dataloader.batch_size=8',
    )
    args = parser.parse_intermixed_args(argv)
    args.config, args.checkpoint = find_model(args.config, args.checkpoint)
    config = load_config(args.config, args.cfg_options)
    model = load_pose_model(config, args.checkpoint)
    codec = getattr(model.head, 'detector_codec', None)
    if not isinstance(codec, BinaryDisc):
        raise UserError(f'{args.config}: its detector does not tell visible joints')
    with building(args.config, 'val_dataloader'):
        loader = Runner.build_dataloader(config.val_dataloader)
    signs = read_signs(model, loader)
    hidden = any((visible < annotated).any() for *_, visible, annotated in signs)
    if not (hidden and any(visible.any() for *_, visible, _ in signs)):
        raise UserError(
            f'{args.config}: its val_dataloader does not know which joints are hidden'
        )
    peak, mass, visible, annotated = map(torch.stack, zip(*signs, strict=True))
    weights = fit(peak, mass, visible, annotated)
    readings = {'peak as it is': peak, 'fitted': logistic(peak, mass, weights)}
    for name, read in readings.items():
        pairs = zip(read, visible, annotated, strict=True)
        rates = visibility_rates(
            [(p[a].numpy(), v[a].numpy()) for p, v, a in pairs if a.any()]
        )
        print(f'{name}: AUC {rates["AUC"]:.1f}, calibration error {rates["ECE"]:.1f}')
    print(f'visibility={weights!r}')


def read_signs(model, loader) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Read the signs at the predicted keypoints of persons with known visibility.

    Returns:
        list[tuple[Tensor, ...]]: For each such person peaks and masses (K,), and
        which keypoints are visible and annotated (K,), bool.
    """
    rows = []
    model.test_cfg = {**(model.test_cfg or {}), 'output_heatmaps': True}
    for batch in tqdm(loader, disable=None):
        with torch.no_grad():
            samples = model.test_step(batch)
        for sample in samples:
            annotated, visible = ground_truth_flags(sample.gt_instances)
            if visible is None:
                continue
            corner = sample.input_center - sample.input_scale / 2
            zoom = sample.input_size / sample.input_scale
            points = (sample.pred_instances.keypoints[0] - corner) * zoom
            heatmaps = sample.pred_fields.detector_heatmaps.cpu()
            signs = model.head.detector_codec.visibility_signs(
                heatmaps[None], torch.as_tensor(points)[None]
            )
            flags = map(torch.as_tensor, (visible & annotated, annotated))
            rows.append((*(each[0] for each in signs), *flags))
    return rows


def fit(peak: Tensor, mass: Tensor, visible: Tensor, annotated: Tensor) -> dict:
    """Fit the weights by logistic regression.

    Args:
        peak (Tensor): (N, K).
        mass (Tensor): (N, K).
        visible (Tensor): (N, K), bool.
        annotated (Tensor): (N, K), bool: what counts.

    Returns:
        dict: ``peak``, ``mass`` and ``bias``, rounded.
    """
    slopes = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(peak.shape[1], dtype=torch.float64, requires_grad=True)
    logits = peak_logit(peak).double()

    def loss() -> Tensor:
        said = slopes[0] * logits + slopes[1] * mass.double() + bias
        wrong = torch.nn.functional.binary_cross_entropy_with_logits(
            said[annotated], visible[annotated].double()
        )
        return wrong + _DECAY * (slopes.square().sum() + bias.square().sum())

    optimizer = torch.optim.LBFGS(
        [slopes, bias], max_iter=500, line_search_fn='strong_wolfe'
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)
    return dict(
        peak=round(slopes[0].item(), 3),
        mass=round(slopes[1].item(), 3),
        bias=[round(each, 3) for each in bias.tolist()],
    )


if __name__ == '__main__':
    run(main)
