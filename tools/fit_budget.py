"""Part of projects/paper_study/ablation.py."""

raise SystemExit('error: now part of: python projects/paper_study/ablation.py')
