"""The log shows what it shows with MMEngine's own hook."""

import json

from phr_mmpose.engine.hooks import BatchedRuntimeInfoHook


def logged(folder):
    """Step and losses of each line of the log's file."""
    (scalars,) = folder.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in scalars.read_text().splitlines()]
    names = ('step', 'loss', 'loss_detector', 'loss_refiner')
    return [{name: line[name] for name in names if name in line} for line in lines]


def test_logs_what_the_original_logs(tiny, tmp_path):
    for name in ('RuntimeInfoHook', 'BatchedRuntimeInfoHook'):
        tiny.train(
            tmp_path / name,
            default_hooks__runtime_info=dict(type=name),
            default_hooks__logger__interval=2,
            log_processor__window_size=2,
            **tiny.no_validation,
        )
    lines = logged(tmp_path / 'BatchedRuntimeInfoHook')
    assert len(lines) > 1 and 'loss_detector' in lines[0]
    assert lines == logged(tmp_path / 'RuntimeInfoHook')


def test_a_stack_of_losses_is_read_once_per_log_line(tiny, tmp_path, monkeypatch):
    read = []
    hand_on = BatchedRuntimeInfoHook._hand_on

    def count(self, runner):
        read.append(len(self._pending))
        hand_on(self, runner)

    monkeypatch.setattr(BatchedRuntimeInfoHook, '_hand_on', count)
    tiny.train(
        tmp_path,
        default_hooks__runtime_info=dict(type='BatchedRuntimeInfoHook'),
        default_hooks__logger__interval=2,
        **tiny.no_validation,
    )
    # Three iterations an epoch, six epochs.
    assert read == [2, 1] * 6
