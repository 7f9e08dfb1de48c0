"""Moved to projects/paper_study/gallery.py."""

raise SystemExit('error: moved: python projects/paper_study/gallery.py')
