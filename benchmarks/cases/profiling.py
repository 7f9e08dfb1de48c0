"""Where the time of a training step goes, operator by operator."""

from torch.profiler import ProfilerActivity, profile

from benchmarks.measure import synchronise
from benchmarks.models import FLOAT32, build, collate, set_stage, training_pipeline
from benchmarks.samples import packed_samples

_SHOWN = 10


def measure(options: dict) -> dict:
    """Profile one step of a stage, after one to warm up.

    Args:
        options (dict): ``model``, ``stage``, ``device``, ``batch``.

    Returns:
        dict: ``total_ms`` of all operators and ``operators``, the ten dearest
        by their own time: ``name``, ``calls``, ``ms``, ``share`` in percent.
    """
    device = options['device']
    subject = build(options['model'], FLOAT32, device)
    subject.model.train()
    set_stage(subject, options['stage'])
    optimizer = subject.optimizer()
    pipeline = training_pipeline(subject.config)
    samples = packed_samples(
        options['model'], subject.config, pipeline, options['batch']
    )
    data = collate(subject.config, samples)
    subject.model.train_step(data, optimizer)
    synchronise(device)
    activities = [ProfilerActivity.CPU]
    activities += [ProfilerActivity.CUDA] if device == 'cuda' else []
    with profile(activities=activities) as profiler:
        subject.model.train_step(data, optimizer)
        synchronise(device)
    return dearest(profiler, device)


def dearest(profiler: profile, device: str) -> dict:
    """List a profile's dearest operators.

    Args:
        profiler (profile): After its work.
        device (str): Whose time counts.
    """
    own = 'self_device_time_total' if device == 'cuda' else 'self_cpu_time_total'
    # On a GPU the operators' own entries repeat the time of the kernels.
    rows = [(getattr(entry, own) / 1e3, entry) for entry in profiler.key_averages()]
    rows = sorted(rows, key=lambda row: row[0], reverse=True)
    total = sum(ms for ms, _ in rows)
    return dict(
        total_ms=total,
        operators=[
            dict(name=entry.key, calls=entry.count, ms=ms, share=100 * ms / total)
            for ms, entry in rows[:_SHOWN]
        ],
    )
