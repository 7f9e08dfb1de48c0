"""Measure what the first steps of a stage do to a trained detector.

Starts one stage of a config from a checkpoint, with the config's own schedulers or
without any, and scores the detector before the first step and after some. The stage is
made ten epochs long, so that it does not end before; a scheduler without an ``end`` of
its own falls over all ten.

Example:
    python benchmarks/stage_border.py configs/phr_tiny_figures.py \
        demo_out/train/stage_refiner.pth --stage joint --optimizer RMSprop
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence

from phr_mmpose.utils.cli import run

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS

from phr_mmpose.engine.stages import config_stages
from phr_mmpose.utils.config import load_config, use_data
from phr_mmpose.utils.errors import UserError


@HOOKS.register_module()
class ScoreDetector(Hook):
    """Score the detector after some iterations, then end the run.

    Args:
        after (Sequence[int]): Iterations, rising; 0 is before the first.
    """

    def __init__(self, after: Sequence[int]) -> None:
        self.after = after
        self.scores: dict[int, float] = {}

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None
    ) -> None:
        """Score what the iterations so far have left.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Not used.
            data_batch: Not used.
        """
        if runner.iter in self.after:
            runner.model.test_cfg['output'] = 'detector'
            metrics = runner.val_loop.run()
            runner.model.train()
            total = [key for key in metrics if key.split('/')[-1] == 'Total']
            self.scores[runner.iter] = round(metrics[total[0]], 2)
        if len(self.scores) == len(self.after):
            raise StopIteration


def measure(config: Config, checkpoint: str, after: Sequence[int]) -> dict[int, float]:
    """Run the beginning of a config's only stage.

    Args:
        config (Config): The config.
        checkpoint (str): What it starts from.
        after (Sequence[int]): When to score, in iterations.

    Returns:
        dict[int, float]: The detector's score by iterations done.
    """
    with tempfile.TemporaryDirectory() as folder:
        config.work_dir, config.load_from = folder, checkpoint
        config.log_level = 'ERROR'
        # The frozen or averaged parts of a run are none of this one's business.
        config.custom_hooks = [dict(type='ScoreDetector', after=after)]
        runner = Runner.from_cfg(config)
        (hook,) = (each for each in runner.hooks if isinstance(each, ScoreDetector))
        try:
            runner.train()
        except StopIteration:
            return hook.scores
    raise UserError(f'the stage ends before iteration {after[-1]}')


def main(argv: Sequence[str] | None = None) -> None:
    """Measure with and without the stage's schedulers, and print both as JSON.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If the config has no such stage.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--stage', default='joint', metavar='NAME')
    parser.add_argument(
        '--optimizer', metavar='NAME', help="RMSprop, AdamW …, in place of the config's"
    )
    parser.add_argument('--lr', type=float, help="in place of the stage's")
    parser.add_argument(
        '--after', type=int, nargs='+', default=[0, 1, 10, 50, 200], metavar='N'
    )
    parser.add_argument('--data', metavar='DIR', help='in place of data_root')
    args = parser.parse_args(argv)

    results = {}
    for way in ('schedulers', 'constant rate'):
        config = load_config(args.config)
        chosen = [s for s in config_stages(config) or () if s['name'] == args.stage]
        if not chosen:
            raise UserError(f'--stage {args.stage}: {args.config} has no such stage')
        chosen[0]['epochs'] = 10
        if args.lr:
            chosen[0]['lr'] = args.lr
        if way == 'constant rate':
            chosen[0]['param_scheduler'] = []
        config.default_hooks.param_scheduler.stages = chosen
        config.train_cfg.max_epochs = 10
        if args.optimizer:
            rate = config.optim_wrapper.optimizer.lr
            config.optim_wrapper.optimizer = dict(type=args.optimizer, lr=rate)
        if args.data:
            use_data(config, args.data)
        results[way] = measure(config, args.checkpoint, args.after)
        print(f'{way}: {results[way]}', file=sys.stderr)
    print(json.dumps(results))


if __name__ == '__main__':
    run(main)
