"""Running the tiny cascade, in this process and in others."""

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from tool_modules import load_tool

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
CONFIG = HERE / 'tiny_config.py'


@pytest.fixture(scope='session', autouse=True)
def one_thread():
    # Sums in another order would not be equal to the bit.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Tiny:
    path = CONFIG
    repo = REPO
    no_validation = dict(val_cfg=None, val_dataloader=None, val_evaluator=None)

    @staticmethod
    def config(work_dir, stages=None, **changes):
        config = Config.fromfile(CONFIG)
        config.merge_from_dict(changes)
        if stages is not None:
            config.default_hooks.param_scheduler.stages = stages
            epochs = sum(stage['epochs'] for stage in stages)
            config.train_cfg.max_epochs = epochs
        config.work_dir = str(work_dir)
        # Runners of one process share logs by this name.
        config.experiment_name = uuid.uuid4().hex
        return config

    @staticmethod
    def train(work_dir, hooks=(), **changes):
        """Train the tiny cascade here.

        Args:
            hooks: More custom hooks.
            **changes: Config values by dotted key (dots as double underscores);
                ``stages`` are handed to the hook.
        """
        changes = {key.replace('__', '.'): value for key, value in changes.items()}
        config = Tiny.config(work_dir, **changes)
        runner = Runner.from_cfg(config)
        for hook in hooks:
            runner.register_hook(hook)
        runner.train()
        return runner

    @staticmethod
    def losses(work_dir):
        """Read the logged losses of all runs in a work directory, by iteration."""
        logged = {}
        for path in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
            for line in path.read_text().splitlines():
                record = json.loads(line)
                if 'loss' in record:
                    values = {k: v for k, v in record.items() if k.startswith('loss')}
                    logged.setdefault(record['step'], []).append(values)
        return logged

    tool = staticmethod(load_tool)

    @staticmethod
    def start_python(*arguments):
        """Start Python on the repository, in another process."""
        env = dict(
            os.environ,
            PYTHONPATH=os.pathsep.join([str(REPO), str(HERE)]),
            OMP_NUM_THREADS='1',
        )
        return subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=REPO,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @staticmethod
    def finish(process, timeout=400):
        """Wait for a process that was started; its exit code and its output."""
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return process.returncode, output


@pytest.fixture(scope='session')
def tiny():
    return Tiny
