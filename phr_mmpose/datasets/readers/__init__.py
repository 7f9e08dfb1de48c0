"""Readers of the datasets' own formats."""
