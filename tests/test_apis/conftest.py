"""Takes the fixtures of the small cascade."""

from small_cascade import checkpoints, config, folder, photo  # noqa: F401
