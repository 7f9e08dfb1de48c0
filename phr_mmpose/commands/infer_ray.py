"""Estimate the poses on very many photos, on this machine or a Ray cluster.

Writes Parquet files into --out, one row for each person: image, box, keypoints,
scores, visible, error. A photo that cannot be used is a row with its error. Started
again, it does what is missing. In an installed package ``phr-ray`` is the same command.

Examples:
    python tools/infer_ray.py photos/ --out poses
    python tools/infer_ray.py 'day*/**/*.jpg' --out poses --boxes boxes.json
    python tools/infer_ray.py list.parquet --out poses --address auto --num-actors 8
    python tools/infer_ray.py s3://bucket/photos --out poses --address auto
"""

import argparse
import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from phr_mmpose.utils.cli import run

import phr_mmpose
from phr_mmpose.apis.estimation import PersonPipeline
from phr_mmpose.apis.loading import choose_device
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.commands.options import add_model_options, box_source
from phr_mmpose.deploy.onnx_weights import is_onnx
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError, first_line
from phr_mmpose.utils.files import make_folder
from phr_mmpose.utils.joints_meta import joint_names
from phr_mmpose.utils.packages import require
from phr_mmpose.zoo import find_model


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'sources',
        nargs='+',
        metavar='SRC',
        help='photo, folder with its folders, pattern, Parquet file with the columns '
        'path and perhaps boxes, or address of an object store',
    )
    parser.add_argument(
        '--out', required=True, metavar='DIR', help='folder to write to'
    )
    add_model_options(parser)
    parser.add_argument(
        '--boxes',
        metavar='JSON',
        help='boxes of the persons, as for phr-pose (default: one person in the whole '
        'picture)',
    )
    parser.add_argument(
        '--address',
        metavar='ADDR',
        help='of the Ray cluster that this machine is part of: auto, or host:port '
        '(default: a Ray of its own on this machine)',
    )
    parser.add_argument(
        '--num-cpus', type=int, metavar='N', help='cores of its own Ray (all)'
    )
    parser.add_argument(
        '--num-actors',
        type=int,
        metavar='N',
        help='how many times the model is loaded (once for each GPU, or else core)',
    )
    parser.add_argument(
        '--batch-size',
        type=int,
        metavar='N',
        help='persons in one batch at most (what suits the device and the input size)',
    )
    parser.add_argument(
        '--photos-per-file',
        type=int,
        default=1024,
        metavar='N',
        help='photos of one result file at most (1024)',
    )
    parser.add_argument(
        '--retry-errors',
        action='store_true',
        help='do the photos again that had an error, such as a store out of reach',
    )
    args = parser.parse_args(argv)
    for option in ('num_cpus', 'num_actors', 'batch_size', 'photos_per_file'):
        value = getattr(args, option)
        if value is not None and value < 1:
            name = option.replace('_', '-')
            raise UserError(f'--{name} must be at least 1, got {value}')
    if args.address and args.address.startswith('ray://'):
        raise UserError(
            f'--address {args.address}: Ray Data does not run through a client; start '
            'on a machine of the cluster with --address auto, or by "ray job submit"'
        )
    if args.address and args.num_cpus:
        raise UserError('--num-cpus: is for a Ray of its own; leave out --address')
    return args


def command() -> None:
    """Run as the command ``phr-ray``."""
    run(main)


def main(argv: Sequence[str] | None = None) -> None:
    """Run over all photos.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If an option, a source, the model or the cluster is faulty, or Ray
            is missing.
        SystemExit: With code 2 if some photos could not be used.
    """
    args = parse_args(argv)
    require('ray', 'ray', 'pyarrow', 'pandas')
    # Slow to import.
    from phr_mmpose.cluster.job import Job, absolute, connect
    from phr_mmpose.cluster.results import ResultWriter, open_results
    from phr_mmpose.cluster.sources import list_photos

    # Their ~ means this process's home, here and in every other.
    config, weights = map(os.path.expanduser, find_model(args.config, args.weights))
    photos = list_photos(args.sources)
    paths = photos['path'].to_pylist()
    boxes = box_source(args)
    if args.device and args.device.partition(':')[2].strip('0'):
        raise UserError(
            f'--device {args.device}: Ray gives each process a GPU of its own, which '
            'is cuda there; CUDA_VISIBLE_DEVICES chooses among them'
        )
    # Faults of the model show here, once, and not in every process.
    settings = load_config(config)
    if args.device and not args.address:
        # Machines of a cluster have others than this one.
        choose_device(args.device)
    device = args.device if is_onnx(weights) else 'cpu'
    model = load_pose_model(settings, weights, device)
    folder = Path(args.out).absolute()
    make_folder(folder)
    done, failed = open_results(
        folder,
        dict(
            version=phr_mmpose.__version__,
            # As read: the model's own has the path of an ONNX file.
            config=digest(settings.pretty_text),
            weights=digest_file(weights),
            boxes=digest_file(args.boxes),
        ),
        paths if args.retry_errors else (),
    )
    missing = photos.filter([path not in done for path in paths])
    print(f'{len(missing)} of {len(photos)} photos to do', flush=True)
    job = Job(
        dict(pipeline=PersonPipeline(model), boxes=boxes),
        dict(
            config=absolute(config),
            weights=absolute(weights),
            device=args.device,
            batch_size=args.batch_size,
        ),
        ResultWriter(folder, joint_names(model.dataset_meta)),
        args.num_actors,
        args.photos_per_file,
    )
    begun = time.monotonic()
    if len(missing):
        try:
            connect(args.address, args.num_cpus)
        except (ConnectionError, RuntimeError, ValueError) as error:
            where = f'--address {args.address}' if args.address else 'Ray'
            raise UserError(f'{where}: {first_line(error)}') from None
    counts = job.run(missing)
    seconds = time.monotonic() - begun
    print(
        f'{counts["photos"]} photos, {counts["persons"]} persons, {counts["errors"]} '
        f'errors in {seconds:.0f} s: {args.out}'
    )
    earlier = len(failed.intersection(paths))
    if earlier:
        print(f'{earlier} errors of earlier runs: --retry-errors does them again')
    if counts['errors'] or earlier:
        raise SystemExit(2)


def digest(text: str) -> str:
    """Tell a text by a few letters."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digest_file(path: str | Path | None) -> str | None:
    """Tell a file by its content; anything else by its name."""
    if path is None or not Path(path).is_file():
        return path and str(path)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
