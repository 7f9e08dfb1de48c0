"""Measure milliseconds for one person: a model's forms beside its peers.

A network is timed from a crop in memory to heatmaps (BlazePose: landmarks), and a
person from a crop to keypoints, without and with flip test. One person at a time; the
systems take turns, so that a machine that drifts hurts all alike.

Examples:
    python benchmarks/latency.py --json latency.json
    python benchmarks/latency.py --config my.py --weights my.pth --threads 1
    python benchmarks/latency.py --config configs/phr_*.py --rounds 2
    python benchmarks/latency.py --tflite pose_landmark_full.tflite
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

if __name__ == '__main__':
    # Its own folder comes first on the path, in place of the repository.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from phr_mmpose.utils.cli import run

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from torch import nn

from benchmarks.machine import describe_machine
from benchmarks.models import FLOAT32, build
from benchmarks.samples import draw_photo, packed_samples
from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.deploy.onnx_export import export_onnx
from phr_mmpose.deploy.onnx_quantization import HELD_OUT, quantize_onnx
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import check_output
from phr_mmpose.utils.json_files import write_json
from phr_mmpose.zoo import list_models, model_files

_STOCK = 'td-hm_res50'
# Seconds between systems; calls of a burst, of which the first one warms the caches up;
# milliseconds after which a burst of slow calls ends.
_PAUSE, _CALLS, _LONG = 0.2, 5, 1000
_NETWORK, _PERSON, _FLIPPED = 'network', 'person', 'person, flip test'

#: A system: what to call by what is timed.
System = dict[str, Callable[[], object]]


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--config',
        nargs='+',
        default=[],
        metavar='FILE',
        help='cascades (default: all that come with the package)',
    )
    parser.add_argument(
        '--weights',
        metavar='FILE',
        help="checkpoint of the one cascade (default: the package's, where the config "
        'comes with it, else random weights)',
    )
    parser.add_argument(
        '--no-int8', action='store_true', help='leave out 8-bit integers'
    )
    parser.add_argument(
        '--tflite',
        nargs='+',
        type=Path,
        default=[],
        metavar='FILE',
        help='landmark models of BlazePose; needs ai-edge-litert',
    )
    parser.add_argument('--threads', type=int, default=2, metavar='N', help='(2)')
    parser.add_argument(
        '--rounds', type=int, default=10, metavar='N', help='of five calls each (10)'
    )
    parser.add_argument(
        '--json',
        type=Path,
        metavar='FILE',
        help="write there; the file's entries for other systems are kept",
    )
    args = parser.parse_args(argv)
    if args.weights is not None and len(args.config) != 1:
        raise UserError('--weights: give the one --config that they are of')
    stems = [Path(config).stem for config in args.config]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        # Results go by it.
        raise UserError(f'--config: {twice}.py is there twice; give each its own name')
    if min(args.threads, args.rounds) < 1:
        raise UserError('--threads and --rounds must be at least 1')
    if args.json is not None:
        check_output(args.json)
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Time all systems in turn and print a table.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If a model cannot be loaded or a package is lacking.
    """
    args = parse_args(argv)
    init_default_scope('mmpose')
    torch.set_num_threads(args.threads)
    report = dict(machine=describe_machine('cpu'), threads=args.threads)
    if args.json is not None:
        measured_before(args.json, report)
    systems: dict[str, System] = {}
    with tempfile.TemporaryDirectory() as folder:
        cascades = {name: model_files(name) for name in list_models()}
        if args.config:
            shipped = {
                Path(config).resolve(): file for config, file in cascades.values()
            }
            cascades = {
                Path(config).stem: (
                    config,
                    args.weights
                    or shipped.get(Path(config).resolve())
                    or random_weights(config, Path(folder)),
                )
                for config in args.config
            }
        for name, files in cascades.items():
            systems |= cascade(name, *files, Path(folder), not args.no_int8)
        subject = build(_STOCK, FLOAT32, 'cpu')
        systems[_STOCK] = poses(subject.model.eval(), _STOCK, subject.config)
        for path in args.tflite:
            systems[path.stem] = landmarks(path, args.threads)
        print(f'taking turns: {len(systems)} systems', flush=True)
        with torch.no_grad():
            found = take_turns(systems, args.rounds)
    print(table(found))
    if args.json is not None:
        timed = {name.partition(',')[0] for name in found}
        kept = {
            name: times
            for name, times in measured_before(args.json, report).items()
            if name.partition(',')[0] not in timed
        }
        ms = {
            name: {key: summary(values) for key, values in times.items()}
            for name, times in found.items()
        }
        report['ms'] = kept | ms
        write_json(args.json, report)


def measured_before(path: Path, report: dict) -> dict:
    """Read what a file has by now, if it can be compared.

    Raises:
        UserError: If it was measured on another machine or with other threads, or
            another program wrote it.
    """
    if not path.exists():
        return {}
    try:
        before = json.loads(path.read_text())
        ms = dict(before['ms'])
        other = [key for key in ('threads', 'machine') if before[key] != report[key]]
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f'{path}: is not from this benchmark; name another') from error
    if other:
        raise UserError(
            f'{path}: was measured with other {other[0]}; name another file'
        )
    return ms


def random_weights(config: str, folder: Path) -> str:
    """Write a checkpoint of a config's model as it is built."""
    file = folder / f'{Path(config).stem}.pth'
    model = build(config, FLOAT32, 'cpu').model
    torch.save(dict(state_dict=model.state_dict()), file)
    return str(file)


def cascade(
    name: str, config: str, weights: str, folder: Path, int8: bool
) -> dict[str, System]:
    """A cascade in PyTorch and in ONNX Runtime."""
    model = load_pose_model(config, weights, 'cpu')
    files = {f'{name}, ONNX Runtime': folder / f'{name}.onnx'}
    export_onnx(model, files[f'{name}, ONNX Runtime'])
    if int8:
        integers = folder / f'{name}_int8.onnx'
        try:
            quantize_onnx(
                files[f'{name}, ONNX Runtime'], integers, made_up_crops(model)
            )
        except UserError as error:
            print(f'{name}: not in 8-bit integers: {error}', flush=True)
        else:
            files[f'{name}, int8'] = integers
    models = {f'{name}, PyTorch': model}
    models |= {key: load_pose_model(config, str(file)) for key, file in files.items()}
    return {key: poses(each, config, each.cfg) for key, each in models.items()}


def made_up_crops(model: nn.Module) -> np.ndarray:
    """Crops to calibrate on: their ranges do not matter for the time."""
    size = model.head.detector_codec.input_size
    crops = [draw_photo(seed, size) for seed in range(HELD_OUT + 4)]
    return np.stack(crops).transpose(0, 3, 1, 2)


def poses(model: nn.Module, name: str, config: dict) -> System:
    """One person by a model of MMPose's kind."""
    pipeline = config['test_dataloader']['dataset']['pipeline']
    data = pseudo_collate(packed_samples(name, config, pipeline, 1))
    batch = model.data_preprocessor(data)
    images, samples = batch['inputs'], batch['data_samples']

    def person(flip: bool) -> object:
        model.test_cfg['flip_test'] = flip
        return model.test_step(data)

    return {
        _NETWORK: lambda: model(images, samples, mode='tensor'),
        _PERSON: lambda: person(False),
        _FLIPPED: lambda: person(True),
    }


def landmarks(path: Path, threads: int) -> System:
    """One person by a model of BlazePose, whose network puts out landmarks."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise UserError(f'--tflite: {error}; pip install ai-edge-litert') from error
    if not path.is_file():
        raise UserError(f'{path}: no such file')
    interpreter = Interpreter(str(path), num_threads=threads)
    interpreter.allocate_tensors()
    given, *_ = interpreter.get_input_details()
    crop = np.random.default_rng(0).random(given['shape'], np.float32)

    def call() -> None:
        interpreter.set_tensor(given['index'], crop)
        interpreter.invoke()

    return {_NETWORK: call, _PERSON: call}


def take_turns(
    systems: dict[str, System], rounds: int
) -> dict[str, dict[str, list[float]]]:
    """Call everything in two bursts a round, of which the second counts.

    Args:
        systems (dict[str, System]): What to call.
        rounds (int): How many rounds.

    Returns:
        dict: Milliseconds of each call, by system and by what is timed.
    """
    found = {name: {key: [] for key in system} for name, system in systems.items()}
    for _ in range(rounds):
        for name, system in systems.items():
            for key, call in system.items():
                # The threads of the system before go on spinning for a while.
                time.sleep(_PAUSE)
                _burst(call)
                found[name][key] += _burst(call)
    return found


def _burst(call: Callable[[], object]) -> list[float]:
    """Milliseconds of some calls; of two at least, where they are slow."""
    times = []
    while len(times) < 2 or (len(times) < _CALLS and sum(times) < _LONG):
        begin = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - begin))
    return times


def summary(times: list[float]) -> dict[str, float]:
    """Median and quartiles of milliseconds, and of how many calls."""
    low, median, high = (round(each, 1) for each in statistics.quantiles(times, n=4))
    return dict(median=median, low=low, high=high, calls=len(times))


def table(found: dict[str, dict[str, list[float]]]) -> str:
    """Lay out medians with quartiles as Markdown."""
    columns = (_NETWORK, _PERSON, _FLIPPED)
    lines = [f'| ms | {" | ".join(columns)} |', '| --- | --: | --: | --: |']
    for name, times in found.items():
        cells = []
        for column in columns:
            if column not in times:
                cells.append('-')
                continue
            cells.append('{median} ({low} to {high})'.format(**summary(times[column])))
        lines.append(f'| {name} | {" | ".join(cells)} |')
    return '\n'.join(lines)


if __name__ == '__main__':
    run(main)
