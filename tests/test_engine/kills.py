"""Kill training many times, and see that every resumed run equals a whole one.

Half of the runs are killed by SIGKILL at a random moment, half at a random operation
on a checkpoint or on ``last_checkpoint``. Each is then resumed, by MMEngine's
``resume='auto'`` or by this project's choice, in turn, until it is through. All
losses and all weights must be those of a run that was never killed, to the bit.

Example:
    python tests/test_engine/kills.py --kills 25
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.runner import Runner  # noqa: E402

import phr_mmpose  # noqa: E402,F401  first: it lets the stack import
from phr_mmpose.engine.resuming import latest_checkpoint  # noqa: E402
from phr_mmpose.utils.checkpoint import safe_load  # noqa: E402


def train(folder: Path, resume: str | None, kill_at: int | None) -> None:
    """Train the tiny cascade with averaged weights, in this process.

    Args:
        folder: The work directory.
        resume: ``'auto'``: MMEngine looks for the checkpoint; ``'own'``: this
            project does; None: from the beginning.
        kill_at: Kill the process before this operation on a checkpoint.
    """
    torch.set_num_threads(1)
    config = Config.fromfile(HERE / 'tiny_config.py')
    config.custom_hooks = [dict(type='EMAHook', momentum=0.1)]
    config.default_hooks.checkpoint = dict(
        type='AtomicCheckpointHook',
        interval=1,
        max_keep_ckpts=1,
        save_best='mpii/Total',
        rule='greater',
    )
    config.train_dataloader.update(num_workers=1, persistent_workers=True)
    config.work_dir, config.log_level = str(folder), 'ERROR'
    config.experiment_name = uuid.uuid4().hex
    if resume == 'auto':
        config.resume = True
    elif resume == 'own':
        found = latest_checkpoint(folder)
        config.load_from = found and str(found)
        config.resume = found is not None
    if kill_at is not None:
        kill_before(kill_at, folder)
    Runner.from_cfg(config).train()


def kill_before(number: int, folder: Path) -> None:
    """Kill this process before its Nth operation on a file to resume from."""
    seen = 0

    def watch(event: str, arguments: tuple) -> None:
        nonlocal seen
        if event not in ('open', 'os.rename', 'os.remove'):
            return
        path = str(arguments[0])
        name = os.path.basename(path)
        if os.path.dirname(path) == str(folder) and (
            name.endswith('.pth') or 'last_checkpoint' in name
        ):
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def start(folder: Path, resume: str | None = None, kill_at: int | None = None) -> int:
    """Train in a copy of this process; its process id."""
    folder.mkdir(exist_ok=True)
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        os.setsid()
        with open(folder / 'output.txt', 'a') as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            train(folder, resume, kill_at)
        code = 0
    finally:
        os._exit(code)


def finish(process: int) -> int:
    """Wait for a process; its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def losses(folder: Path) -> dict[int, list]:
    """Read the losses of every iteration, as often as it was done."""
    found: dict[int, list] = {}
    for path in sorted(folder.glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:  # the kill's last line
                continue
            if 'loss' in record:
                values = {k: v for k, v in record.items() if k.startswith('loss')}
                found.setdefault(record['step'], []).append(values)
    return found


def differences(folder: Path, whole: Path) -> list[str]:
    """Name what a resumed run has otherwise than a whole one."""
    expected, found = losses(whole), losses(folder)
    faults = [
        f'losses of iteration {step}'
        for step in expected
        if any([value] != expected[step] for value in found.get(step, [None]))
    ]
    for name in ('stage_detector', 'stage_refiner', 'stage_joint', 'epoch_6'):
        first, second = (safe_load(each / f'{name}.pth') for each in (whole, folder))
        for key in ('state_dict', 'ema_state_dict'):
            for weight, value in first[key].items():
                if not torch.equal(value, second[key][weight]):
                    faults.append(f'{name}.pth: {weight}')
    return faults


def kill_and_resume(folder: Path, whole: Path, seconds: float, number: int) -> str:
    """Kill one run and go on with it until it is through.

    Returns:
        str: What was done and found, in one line.
    """
    dice = random.Random(number)
    if number % 2:
        operation = dice.randint(1, 40)
        how = f'before file operation {operation}'
        code = finish(start(folder, kill_at=operation))
    else:
        wait = dice.uniform(0.1, 0.8) * seconds
        how = f'after {wait:.2f} s'
        process = start(folder)
        time.sleep(wait)
        os.killpg(process, signal.SIGKILL)
        code = finish(process)
    if code == -signal.SIGKILL:
        resume = ('auto', 'own')[number // 2 % 2]
        how += f', resumed ({resume})'
        code = finish(start(folder, resume=resume))
    else:
        how += ', too late to kill'
    if code:
        return f'FAILED {how}: exit code {code}\n' + (folder / 'output.txt').read_text()
    faults = differences(folder, whole)
    return f'FAILED {how}: {faults[:3]}' if faults else f'equal  {how}'


def main() -> None:
    """Run the campaign; exit code 1 unless every run ended equal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--kills', type=int, default=25)
    parser.add_argument('--first', type=int, default=0, help='number of the first run')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='kills_') as place:
        whole = Path(place, 'whole').resolve()
        begin = time.monotonic()
        if code := finish(start(whole)):
            raise SystemExit(f'{(whole / "output.txt").read_text()}\nexit code {code}')
        seconds = time.monotonic() - begin
        lines = []
        for number in range(args.first, args.first + args.kills):
            folder = Path(place, f'run_{number}').resolve()
            lines.append(kill_and_resume(folder, whole, seconds, number))
            print(lines[-1], flush=True)
    equal = sum(line.startswith('equal') for line in lines)
    print(f'{equal} of {len(lines)} runs equal one that was not killed')
    raise SystemExit(equal < len(lines))


if __name__ == '__main__':
    main()
