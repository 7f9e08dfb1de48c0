"""What the tests of this folder import before anything else."""

import phr_mmpose  # noqa: F401  first: it lets the stack import
