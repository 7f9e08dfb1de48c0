"""Moved to projects/released_weights/convert.py."""

raise SystemExit('error: moved: python projects/released_weights/convert.py')
