"""Poses of very many photos, on one machine or a cluster, by Ray Data."""
